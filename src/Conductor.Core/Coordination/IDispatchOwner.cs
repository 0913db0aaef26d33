namespace Conductor.Coordination;

/// <summary>Whoever dispatches tasks for longer than one call takes. Thread-safe.</summary>
internal interface IDispatchOwner
{
    /// <summary>Whether it begins nothing more: what would have to wait for an agent is left to others.</summary>
    bool IsStopping { get; }

    /// <summary>
    /// Asked before each attempt begins: a task can wait for so long that whoever dispatched it may no longer have it run. Throws
    /// <see cref="OperationCanceledException"/> then.
    /// </summary>
    ValueTask EnsureMayBeginAsync();
}
