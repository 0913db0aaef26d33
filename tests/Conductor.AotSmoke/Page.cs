namespace Conductor.AotSmoke;

/// <summary>What a writer gives out.</summary>
internal sealed record Page
{
    public required string Text { get; init; }

    public required int Round { get; init; }
}
