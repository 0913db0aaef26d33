namespace ReleasePipeline.Reports;

/// <summary>What was packed. Immutable.</summary>
internal sealed record PackReport
{
    /// <summary>The version of the packages: a release candidate of its own for each round.</summary>
    public required string Version { get; init; }

    /// <summary>The package files, those of the libraries it depends on and symbols included.</summary>
    public required IReadOnlyList<string> Files { get; init; }
}
