using System.Collections.Concurrent;
using Conductor.Diagnostics;

namespace Conductor.Messaging;

/// <summary>
/// The bus within one process. Publishing finds the channel's subscriptions and puts the message into the queue of each; handlers run on
/// the thread pool, never on the publisher's thread. (Assignments and results skip the queue: the library's own handlers only note them.)
/// Thread-safe.
/// </summary>
public sealed class InMemoryMessageBus : MessageBus
{
    private readonly ConcurrentDictionary<string, ChannelSubscriptions> _channels = new(StringComparer.Ordinal);

    /// <summary>Makes a bus.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    public InMemoryMessageBus(ConductorEnvironment? environment = null, MessageBusOptions? options = null)
        : base(environment, options)
    {
    }

    /// <inheritdoc />
    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
    {
        _channels.Clear();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        if (_channels.TryGetValue(channel, out var subscriptions))
        {
            foreach (var subscription in subscriptions.Current)
            {
                subscription.DeliverPublished(message);
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        while (!_channels.GetOrAdd(subscription.Channel, static _ => new ChannelSubscriptions()).TryAdd(subscription))
        {
            // The channel's last subscription left between the two calls; the next turn makes the channel anew.
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        if (_channels.TryGetValue(subscription.Channel, out var subscriptions) && subscriptions.RemoveAndIsEmpty(subscription))
        {
            _channels.TryRemove(new KeyValuePair<string, ChannelSubscriptions>(subscription.Channel, subscriptions));
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// The subscriptions of one channel. Publishers read an array that is built anew after a change, at the first publish: so neither a
    /// hundred thousand subscribers one after another nor a publish pays for the other.
    /// </summary>
    private sealed class ChannelSubscriptions
    {
        private readonly Lock _gate = new();
        private readonly HashSet<MessageSubscription> _members = [];
        private volatile MessageSubscription[]? _current;
        private bool _retired;

        public MessageSubscription[] Current
        {
            get
            {
                if (_current is { } current)
                {
                    return current;
                }

                lock (_gate)
                {
                    return _current ??= [.. _members];
                }
            }
        }

        public bool TryAdd(MessageSubscription subscription)
        {
            lock (_gate)
            {
                if (_retired)
                {
                    return false;
                }

                _members.Add(subscription);
                _current = null;
                return true;
            }
        }

        public bool RemoveAndIsEmpty(MessageSubscription subscription)
        {
            lock (_gate)
            {
                _members.Remove(subscription);
                _current = null;
                return _retired = _members.Count == 0;
            }
        }
    }
}
