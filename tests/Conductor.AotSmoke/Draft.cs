namespace Conductor.AotSmoke;

/// <summary>What a writer takes in.</summary>
internal sealed record Draft
{
    public required string Text { get; init; }
}
