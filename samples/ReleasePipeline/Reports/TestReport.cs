using ReleasePipeline.Testing;

namespace ReleasePipeline.Reports;

/// <summary>How the tests went. Immutable.</summary>
internal sealed record TestReport
{
    /// <summary>The names of the test projects; none when the library has no tests.</summary>
    public required IReadOnlyList<string> Projects { get; init; }

    /// <summary>How many tests ran and how they ended.</summary>
    public required TestCounts Counts { get; init; }
}
