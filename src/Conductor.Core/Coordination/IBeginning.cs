namespace Conductor.Coordination;

/// <summary>Notes that a task begins, before it does. Thread-safe.</summary>
internal interface IBeginning
{
    /// <summary>Called when the task has its agent and may begin. It begins when this is over.</summary>
    /// <exception cref="OperationCanceledException">It is not to begin: whoever dispatched it stops.</exception>
    ValueTask RecordAsync();
}
