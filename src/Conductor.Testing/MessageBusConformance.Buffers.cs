using System.Collections.Concurrent;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Every buffer is bounded and says what happens when it is full.</content>
public sealed partial class MessageBusConformance
{
    private void AddBufferCases()
    {
        Add("A full subscription that drops the oldest keeps the newest", bus => OverflowAsync(bus, QueueFullMode.DropOldest, ["0", "4", "5"]));
        Add("A full subscription that drops the newest keeps the first", bus => OverflowAsync(bus, QueueFullMode.DropNewest, ["0", "1", "2"]));
        Add("A full subscription takes messages again once its handler has caught up", AfterOverflowAsync);
        Add("A capacity below one is refused", bus => Check.ThrowsAsync<ArgumentOutOfRangeException>(
            () => bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask, new SubscriptionOptions { Capacity = 0 }).AsTask(), "capacity 0"));
    }

    private static async Task OverflowAsync(MessageBus bus, QueueFullMode mode, string[] expected)
    {
        var (received, release) = await OverflowingAsync(bus, mode).ConfigureAwait(false);
        release.SetResult();
        await UntilAsync(() => received.Count >= expected.Length).ConfigureAwait(false);
        await FlushAsync(bus, "c").ConfigureAwait(false);
        Check.Sequence(expected, received.Take(expected.Length), "messages handled");
    }

    private static async Task AfterOverflowAsync(MessageBus bus)
    {
        var (received, release) = await OverflowingAsync(bus, QueueFullMode.DropNewest).ConfigureAwait(false);
        release.SetResult();
        await UntilAsync(() => received.Count >= 3).ConfigureAwait(false);
        await bus.PublishAsync("c", Message("again")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 4, received).ConfigureAwait(false);
        Check.Sequence(["0", "1", "2", "again"], MessagesOf(received), "messages handled");
    }

    /// <summary>Six messages to a subscription that handles the first and holds two.</summary>
    private static async Task<(ConcurrentQueue<string> Received, TaskCompletionSource Release)> OverflowingAsync(MessageBus bus, QueueFullMode mode)
    {
        var received = new ConcurrentQueue<string>();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscription = await bus.SubscribeAsync(
            "c",
            async (message, _) =>
            {
                received.Enqueue(message.Id);
                started.TrySetResult();
                await release.Task.ConfigureAwait(false);
            },
            new SubscriptionOptions { Capacity = 2, FullMode = mode }).ConfigureAwait(false);
        var witness = await ListenAsync(bus, "c").ConfigureAwait(false);
        await bus.PublishAsync("c", Message("0")).ConfigureAwait(false);
        await started.Task.ConfigureAwait(false);
        for (var i = 1; i <= 5; i++)
        {
            await bus.PublishAsync("c", Message($"{i}")).ConfigureAwait(false);
        }

        await UntilAsync(() => witness.Count >= 6 && subscription.QueuedMessages >= 2).ConfigureAwait(false);
        await FlushAsync(bus, "witness").ConfigureAwait(false);
        Check.Equal(6, witness.Count, "messages that came to another subscription");
        return (received, release);
    }
}
