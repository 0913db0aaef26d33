using Conductor.Messaging;

namespace Conductor.Coordination;

/// <summary>Takes messages to everybody, and puts each into the queues of the coordinator's agents.</summary>
/// <param name="post">Puts a message into the queue of every agent.</param>
internal sealed class BroadcastReceiver(Action<AgentMessage> post) : IMessageReceiver
{
    /// <summary>A message is only handed on: each agent has a queue of its own, and needs none before it.</summary>
    public bool HandlesAtOnce(AgentMessage message) => true;

    public bool TryTake(IMessageSource source) => false;

    public void HandleAtOnce(AgentMessage message) => post(message);

    public ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        HandleAtOnce(message);
        return ValueTask.CompletedTask;
    }
}
