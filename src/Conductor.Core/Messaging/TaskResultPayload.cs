namespace Conductor.Messaging;

/// <summary>What became of one attempt, on its way back. Immutable.</summary>
public sealed record TaskResultPayload : MessagePayload
{
    /// <summary>The result of the attempt.</summary>
    public required TaskResult Result { get; init; }
}
