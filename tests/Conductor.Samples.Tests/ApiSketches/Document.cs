namespace Conductor.Samples.Tests.ApiSketches;

public sealed record Document(string Text, string To);
