namespace Conductor.State;

/// <summary>
/// A run that has not ended, with its lease: what an observer needs to see whether its owner is alive, and an owner whether its run is to go on.
/// Immutable.
/// </summary>
public sealed record UnfinishedWorkflow
{
    /// <summary>The run.</summary>
    public required string WorkflowId { get; init; }

    /// <summary>Its lease as it was taken or renewed last, even when it has run out; null when it was never taken or was released.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Whether somebody holds it, by the store's clock.</summary>
    public bool IsHeld { get; init; }

    /// <summary>
    /// Whether somebody asked for it to be cancelled: its owner sees it here without asking for each of its runs. Default: false, which a store
    /// that does not say it leaves.
    /// </summary>
    public bool IsCancellationRequested { get; init; }
}
