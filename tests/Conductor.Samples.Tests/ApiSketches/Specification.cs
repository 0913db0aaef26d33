namespace Conductor.Samples.Tests.ApiSketches;

internal sealed record Specification(string Text);
