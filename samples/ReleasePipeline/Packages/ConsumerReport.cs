namespace ReleasePipeline.Packages;

/// <summary>What the program that uses the package found. Immutable.</summary>
internal sealed record ConsumerReport
{
    /// <summary>What is wrong.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>How many public types it loaded.</summary>
    public required int Types { get; init; }

    /// <summary>How many members it ran.</summary>
    public required int Calls { get; init; }
}
