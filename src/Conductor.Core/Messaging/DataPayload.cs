namespace Conductor.Messaging;

/// <summary>Data of the user's own. Immutable.</summary>
public sealed record DataPayload : MessagePayload
{
    /// <summary>The data.</summary>
    public required TaskData Data { get; init; }
}
