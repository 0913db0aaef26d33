namespace Conductor.Tests.Serialization;

/// <summary>Made with some values, and given the others: a generated context does both in one call.</summary>
internal sealed record Initialized(string Name)
{
    public required int Count { get; init; }

    public string? Note { get; init; }
}
