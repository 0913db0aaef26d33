namespace ReleasePipeline.Reports;

/// <summary>What was deployed. Immutable.</summary>
internal sealed record DeployReport
{
    /// <summary>The package's version.</summary>
    public required string Version { get; init; }

    /// <summary>The library's package in the feed.</summary>
    public required string Package { get; init; }
}
