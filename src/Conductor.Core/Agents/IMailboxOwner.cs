namespace Conductor.Agents;

/// <summary>Whom a mailbox reports to.</summary>
internal interface IMailboxOwner
{
    /// <summary>The agent's code has returned: it could take another task.</summary>
    /// <param name="correlationId">The attempt.</param>
    /// <param name="at">When it returned.</param>
    void OnIdle(string correlationId, DateTimeOffset at);

    /// <summary>The result of an attempt could not be published.</summary>
    void OnUndeliverable(string correlationId, TaskResult result, Exception exception);
}
