namespace Conductor.Samples.Tests.Guide;

internal sealed record Draft(string Title, int Words);
