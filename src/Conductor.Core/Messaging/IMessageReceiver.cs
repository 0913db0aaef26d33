namespace Conductor.Messaging;

/// <summary>Who gets the messages of a subscription.</summary>
internal interface IMessageReceiver
{
    /// <summary>Handles a message; the next one comes when it is done.</summary>
    ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken);

    /// <summary>
    /// Whether it deals with a message at once, without waiting and without running anybody else's code: one published in this process needs no
    /// queue and no other thread then.
    /// </summary>
    bool HandlesAtOnce(AgentMessage message);

    /// <summary>Handles such a message; it is over when this returns. Never throws.</summary>
    void HandleAtOnce(AgentMessage message);

    /// <summary>Takes what is published in this process at once, without a message being made of it; gives false to get the message instead.</summary>
    bool TryTake(IMessageSource source);
}
