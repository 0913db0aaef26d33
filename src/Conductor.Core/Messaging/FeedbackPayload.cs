namespace Conductor.Messaging;

/// <summary>Findings that are sent back. Immutable.</summary>
public sealed record FeedbackPayload : MessagePayload
{
    /// <summary>The findings.</summary>
    public required Feedback Feedback { get; init; }
}
