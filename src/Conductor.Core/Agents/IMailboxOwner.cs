using Conductor.Messaging;

namespace Conductor.Agents;

/// <summary>Whom a mailbox works for and reports to. Published, it is the assignment of the attempt under way.</summary>
internal interface IMailboxOwner : IMessageSource
{
    /// <summary>Who the agent is.</summary>
    AgentIdentity Identity { get; }

    /// <summary>The number of the attempt under way; 0 for none.</summary>
    long AttemptNumber { get; }

    /// <summary>When the attempt under way began, by the monotonic clock.</summary>
    long StartedAt { get; }

    /// <summary>
    /// Whether the thread that publishes the assignment calls <see cref="AgentMailbox.RunLed"/> next: it belongs to nobody who could be held up by
    /// the agent's code, so the agent needs no other.
    /// </summary>
    bool IsLed { get; }

    /// <summary>What the attempt under way is about.</summary>
    TaskAssignment? Assignment { get; }

    /// <summary>The agent's code has returned. Under the gate.</summary>
    /// <param name="attempt">The number of the attempt.</param>
    /// <param name="at">When it returned.</param>
    /// <returns>Whether that is news: then <see cref="OnIdle"/> follows, outside the gate.</returns>
    bool NoteReturn(long attempt, DateTimeOffset at);

    /// <summary>The agent could take another task.</summary>
    void OnIdle();

    /// <summary>The result of an attempt could not be published.</summary>
    void OnUndeliverable(long attempt, TaskResult result, Exception exception);
}
