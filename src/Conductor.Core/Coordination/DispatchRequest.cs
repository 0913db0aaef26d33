using System.Collections.Frozen;

namespace Conductor.Coordination;

/// <summary>A task to be dispatched, with what surrounds it.</summary>
internal sealed class DispatchRequest
{
    public required TaskDefinition Task { get; init; }

    public required string IdempotencyKey { get; init; }

    public string? WorkflowId { get; init; }

    public WorkflowPhase? Phase { get; init; }

    public int Round { get; init; }

    public IReadOnlyDictionary<string, TaskData> DependencyOutputs { get; init; } = FrozenDictionary<string, TaskData>.Empty;

    public IReadOnlyList<Feedback> Feedback { get; init; } = [];

    public string? ReplayOf { get; init; }

    /// <summary>The delivery: one more than the processes that died under the task.</summary>
    public int Delivery { get; init; } = 1;

    /// <summary>True when whoever dispatches limits itself to what the queue holds, so that the queue never refuses it.</summary>
    public bool IsFlowControlled { get; init; }

    /// <summary>
    /// Asked before each attempt begins: a task can wait for so long that whoever dispatched it may no longer have it run. Throws
    /// <see cref="OperationCanceledException"/> then.
    /// </summary>
    public Func<ValueTask>? EnsureMayBegin { get; init; }

    /// <summary>Attempts begun so far and when the first began: what is known of a dispatch that is cancelled.</summary>
    public int AttemptsBegun { get; set; }

    public long FirstBegunAt { get; set; }

    /// <summary>The dead letter that was kept when the task was given up.</summary>
    public ErrorRecord? DeadLetter { get; set; }

    public static DispatchRequest Standalone(TaskDefinition task) =>
        new() { Task = task, IdempotencyKey = new ExecutionKey(null, task.Id, 0).ToIdempotencyKey(task.IdempotencyKey) };
}
