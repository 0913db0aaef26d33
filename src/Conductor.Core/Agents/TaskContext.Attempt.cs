using System.Diagnostics;
using Conductor.Messaging;

namespace Conductor.Agents;

/// <content>What the mailbox keeps of an attempt under way, here so that an attempt is one object.</content>
public sealed partial class TaskContext
{
    private int _claimed;

    /// <summary>The message that brought the assignment; null in a context made by hand.</summary>
    internal AgentMessage? Request { get; init; }

    /// <summary>Asks the agent's code to stop.</summary>
    internal CancellationToken Cancellation { get; init; }

    /// <summary>The span in which the assignment was handled, if anybody traces. It has ended when the agent begins.</summary>
    internal Activity? HandledIn { get; init; }

    /// <summary>Ties assignment and result together.</summary>
    internal string? CorrelationId => Request?.CorrelationId ?? Request?.Id;

    /// <summary>True for the first: only its result is published.</summary>
    internal bool TryClaimResult() => Interlocked.Exchange(ref _claimed, 1) == 0;
}
