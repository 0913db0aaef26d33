namespace Conductor.Messaging;

/// <summary>A user's handler: it gets every message by the queue.</summary>
internal sealed class HandlerReceiver(Func<AgentMessage, CancellationToken, ValueTask> handler) : IMessageReceiver
{
    public Func<AgentMessage, CancellationToken, ValueTask> Handler => handler;

    public ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken) => handler(message, cancellationToken);

    public bool HandlesAtOnce(AgentMessage message) => false;

    public void HandleAtOnce(AgentMessage message) => throw new NotSupportedException();

    public bool TryTake(IMessageSource source) => false;
}
