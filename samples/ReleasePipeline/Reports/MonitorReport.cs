using ReleasePipeline.Packages;

namespace ReleasePipeline.Reports;

/// <summary>How the released package does. Immutable.</summary>
internal sealed record MonitorReport
{
    /// <summary>The version that was installed.</summary>
    public required string Version { get; init; }

    /// <summary>What is wrong with it.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }
}
