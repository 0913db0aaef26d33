namespace Conductor.Messaging;

/// <summary>Whom the bus finds under a channel's name: one subscription, as for every agent, or several.</summary>
internal interface IChannelTarget
{
    /// <summary>Hands over a message that was published in this process.</summary>
    void Publish(AgentMessage message);

    /// <summary>Hands over what becomes a message only for whoever needs one.</summary>
    void Publish(IMessageSource source);
}
