namespace ReleasePipeline.Reports;

/// <summary>What the compiler and the analyzers say. Immutable.</summary>
internal sealed record ReviewReport
{
    /// <summary>Their warnings, one a line.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
