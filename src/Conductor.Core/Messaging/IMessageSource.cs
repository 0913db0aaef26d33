namespace Conductor.Messaging;

/// <summary>
/// What the library itself publishes for every task. It becomes a message only for whoever needs one: another subscriber, a provider that carries
/// it elsewhere. The library's own handlers in the same process take it as it is.
/// </summary>
internal interface IMessageSource
{
    /// <summary>Makes the message. Called while it is being published.</summary>
    AgentMessage ToMessage();
}
