namespace ReleasePipeline.Reports;

/// <summary>What coding did. Immutable.</summary>
internal sealed record CodeReport
{
    /// <summary>The files that were not formatted as the tree says, and are now.</summary>
    public IReadOnlyList<string> Formatted { get; init; } = [];

    /// <summary>What was repaired.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];
}
