namespace Conductor.Messaging;

/// <summary>
/// The subscriptions of a channel that has, or had, more than one. Publishers read an array that is built anew after a change, at the first publish:
/// so neither a hundred thousand subscribers one after another nor a publish pays for the other. Changes are under the bus's lock.
/// </summary>
/// <param name="gate">The bus's lock.</param>
internal sealed class ChannelSubscriptions(Lock gate) : IChannelTarget
{
    private readonly HashSet<MessageSubscription> _members = [];
    private volatile MessageSubscription[]? _current;

    public void Publish(AgentMessage message)
    {
        foreach (var subscription in Current())
        {
            subscription.Publish(message);
        }
    }

    public void Publish(IMessageSource source)
    {
        AgentMessage? message = null;
        foreach (var subscription in Current())
        {
            if (!subscription.TryTake(source))
            {
                subscription.Publish(message ??= subscription.MessageOf(source));
            }
        }
    }

    public void Add(MessageSubscription subscription)
    {
        _members.Add(subscription);
        _current = null;
    }

    public bool RemoveAndIsEmpty(MessageSubscription subscription)
    {
        _members.Remove(subscription);
        _current = null;
        return _members.Count == 0;
    }

    private MessageSubscription[] Current()
    {
        if (_current is { } current)
        {
            return current;
        }

        lock (gate)
        {
            return _current ??= [.. _members];
        }
    }
}
