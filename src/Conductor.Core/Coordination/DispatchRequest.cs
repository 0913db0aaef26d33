using Conductor.Messaging;

namespace Conductor.Coordination;

/// <summary>A task to be dispatched, with what surrounds it.</summary>
/// <param name="assignment">What goes to the agent of the first attempt; those of later attempts get a copy with the number of theirs.</param>
internal sealed class DispatchRequest(TaskAssignment assignment)
{
    public TaskAssignment Assignment { get; } = assignment;

    public TaskDefinition Task => Assignment.Task;

    public string? WorkflowId => Assignment.WorkflowId;

    public int Round => Assignment.Round;

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

    /// <summary>A task outside workflows.</summary>
    public static DispatchRequest Standalone(TaskDefinition task) => new(new TaskAssignment { Task = task, Phase = task.Phase });

    public TaskAssignment AssignmentOf(int attempt) => attempt == Assignment.Attempt ? Assignment : Assignment with { Attempt = attempt };
}
