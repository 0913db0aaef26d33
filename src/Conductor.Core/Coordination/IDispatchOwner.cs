using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Coordination;

/// <summary>Whoever dispatches tasks for longer than one call takes. Thread-safe.</summary>
internal interface IDispatchOwner
{
    /// <summary>Whether it begins nothing more: what would have to wait for an agent is left to others.</summary>
    bool IsStopping { get; }

    /// <summary>What it holds the right to run its tasks by, if anything.</summary>
    HeldLease? Lease { get; }

    /// <summary>
    /// Asked before each attempt begins, and before a task is given up: it can wait, or run, for so long that it is another's by then. Throws
    /// <see cref="OperationCanceledException"/> when it is.
    /// </summary>
    ValueTask EnsureOwnsAsync();

    /// <summary>An attempt of a task failed, and another follows.</summary>
    /// <returns>What is told before that begins; null for nothing.</returns>
    IBeginning? NoteRetry(TaskRetry retry);

    /// <summary>The id of the dead letter of a task, should it become one: the same for whoever runs the same execution again. Null for a new one.</summary>
    string? LetterIdOf(TaskAssignment assignment);
}
