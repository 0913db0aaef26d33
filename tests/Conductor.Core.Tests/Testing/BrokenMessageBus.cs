using System.Collections.Concurrent;
using System.Collections.Immutable;
using Conductor.Diagnostics;
using Conductor.Messaging;

namespace Conductor.Tests.Testing;

/// <summary>A bus in memory that breaks one of its promises.</summary>
internal sealed class BrokenMessageBus(ConductorEnvironment environment, BusFault fault) : MessageBus(environment)
{
    private readonly ConcurrentDictionary<string, ImmutableArray<MessageSubscription>> _channels = new(
        fault == BusFault.Case ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    /// <summary>Over when it was disposed of.</summary>
    public Task Disposed => _disposed.Task;

    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => default;

    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken)
    {
        _channels.Clear();
        return default;
    }

    protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken)
    {
        var count = Interlocked.Increment(ref _count);
        var copies = fault switch
        {
            BusFault.Twice => 2,
            BusFault.Deaf => 0,
            BusFault.Burst when count > 1000 && count % 7 == 0 => 0,
            _ => 1,
        };
        foreach (var subscription in Enumerable.Repeat(SubscriptionsOf(channel), copies).SelectMany(static all => all))
        {
            subscription.Deliver(message);
        }

        return default;
    }

    protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        _channels.AddOrUpdate(subscription.Channel, _ => [subscription], (_, known) => known.Add(subscription));
        return default;
    }

    protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
    {
        _channels.AddOrUpdate(subscription.Channel, _ => [], (_, known) => known.Remove(subscription));
        return default;
    }

    protected override ValueTask DisposeCoreAsync()
    {
        _disposed.TrySetResult();
        return base.DisposeCoreAsync();
    }

    private IEnumerable<MessageSubscription> SubscriptionsOf(string channel) =>
        fault == BusFault.Prefix ? _channels.Where(known => channel.StartsWith(known.Key, StringComparison.Ordinal)).SelectMany(static known => known.Value)
        : _channels.TryGetValue(channel, out var subscriptions) ? subscriptions
        : [];
}
