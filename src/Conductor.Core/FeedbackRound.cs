namespace Conductor;

/// <summary>One turn of the feedback loop. Immutable.</summary>
public sealed record FeedbackRound : ExtensibleRecord
{
    /// <summary>The round it began; the first is 1.</summary>
    public required int Round { get; init; }

    /// <summary>The phase the feedback came from.</summary>
    public required WorkflowPhase From { get; init; }

    /// <summary>The phase the workflow went back to.</summary>
    public required WorkflowPhase To { get; init; }

    /// <summary>The findings that caused it.</summary>
    public IReadOnlyList<Feedback> Feedback { get; init => field = Snapshot.Of(value); } = Snapshot.None<Feedback>();

    /// <summary>When it began.</summary>
    public DateTimeOffset StartedAt { get; init; }
}
