namespace Conductor.State;

/// <summary>A stretch of a run's events. Immutable.</summary>
public sealed record WorkflowHistory
{
    /// <summary>The events after the position asked for, in order.</summary>
    public IReadOnlyList<WorkflowEvent> Events { get; init; } = [];

    /// <summary>The position of the oldest event that is still kept; 0 when there is none.</summary>
    public long FirstPosition { get; init; }

    /// <summary>The position of the newest event.</summary>
    public long LastPosition { get; init; }

    /// <summary>True when the run has ended, so that nothing follows the newest event.</summary>
    public bool IsComplete { get; init; }
}
