using System.Collections.Concurrent;
using Conductor.Diagnostics;

namespace Conductor.Messaging;

/// <summary>
/// The bus within one process. Publishing finds the channel's subscriptions and puts the message into the queue of each; handlers run on
/// the thread pool, never on the publisher's thread. (Assignments and results skip the queue, and so does a broadcast on its way to the queues of a
/// coordinator's agents: the library's own handlers only note them or hand them on.) Thread-safe.
/// </summary>
public sealed class InMemoryMessageBus : MessageBus
{
    private readonly ConcurrentDictionary<string, IChannelTarget> _channels = new(StringComparer.Ordinal);

    /// <summary>Subscribing and unsubscribing take turns; publishing does not wait for them, except for the first after a change.</summary>
    private readonly Lock _gate = new();

    /// <summary>Makes a bus.</summary>
    /// <param name="environment">Clock, loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    /// <param name="options">Settings. Default: the defaults.</param>
    public InMemoryMessageBus(ConductorEnvironment? environment = null, MessageBusOptions? options = null)
        : base(environment, options)
    {
    }

    /// <inheritdoc />
    protected internal override bool MayReach(string channel) => _channels.ContainsKey(channel);

    /// <inheritdoc />
    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _channels.Clear();
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        if (_channels.TryGetValue(channel, out var target))
        {
            target.Publish(message);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    private protected override ValueTask SendSourceAsync(MessageSubscription subscription, IMessageSource source, CancellationToken cancellationToken)
    {
        // A coordinator's channel and an agent's have one subscription nearly always: then the channel need not be found by its name.
        if (subscription.IsAlone)
        {
            subscription.Publish(source);
        }
        else if (_channels.TryGetValue(subscription.Channel, out var target))
        {
            target.Publish(source);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        lock (_gate)
        {
            if (!_channels.TryGetValue(subscription.Channel, out var known))
            {
                _channels[subscription.Channel] = subscription;
                subscription.IsAlone = true;
                return ValueTask.CompletedTask;
            }

            if (known is not ChannelSubscriptions several)
            {
                var first = (MessageSubscription)known;
                several = new ChannelSubscriptions(_gate);
                several.Add(first);
                first.IsAlone = false;
                _channels[subscription.Channel] = several;
            }

            several.Add(subscription);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(subscription);
        lock (_gate)
        {
            if (_channels.TryGetValue(subscription.Channel, out var known)
                && (known is ChannelSubscriptions several ? several.RemoveAndIsEmpty(subscription) : ReferenceEquals(known, subscription)))
            {
                _channels.TryRemove(subscription.Channel, out _);
            }
        }

        return ValueTask.CompletedTask;
    }
}
