namespace Conductor.Messaging;

/// <summary>
/// The subscriptions of one channel. Publishers read an array that is built anew after a change, at the first publish: so neither a hundred
/// thousand subscribers one after another nor a publish pays for the other. A channel with one subscription, as every agent's is, is an array
/// of one and no more. Changes are under the bus's lock.
/// </summary>
internal sealed class ChannelSubscriptions
{
    private volatile MessageSubscription[]? _current;
    private HashSet<MessageSubscription>? _members;

    /// <summary>The subscriptions as they are now.</summary>
    /// <param name="gate">The bus's lock.</param>
    public MessageSubscription[] Current(Lock gate)
    {
        if (_current is { } current)
        {
            return current;
        }

        lock (gate)
        {
            return _current ??= _members is null ? [] : [.. _members];
        }
    }

    public void Add(MessageSubscription subscription)
    {
        if (_members is null && _current is null or [])
        {
            _current = [subscription];
            return;
        }

        Members().Add(subscription);
        _current = null;
    }

    public bool RemoveAndIsEmpty(MessageSubscription subscription)
    {
        var members = Members();
        members.Remove(subscription);
        _current = null;
        return members.Count == 0;
    }

    private HashSet<MessageSubscription> Members() => _members ??= [.. _current ?? []];
}
