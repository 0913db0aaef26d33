using System.Collections.Concurrent;
using Conductor.Messaging;
using CsCheck;

namespace Conductor.Tests.Messaging;

public sealed class BusRaceTests
{
    [Fact]
    public async Task ConnectAsync_AfterDisposeAsync_IsRefusedAfterDisconnectAsyncIsNot()
    {
        var bus = await ConnectAsync();
        await bus.DisconnectAsync();
        await bus.ConnectAsync();
        await bus.DisposeAsync();
        await bus.DisposeAsync();

        await FluentActions.Awaiting(() => bus.ConnectAsync().AsTask()).Should().ThrowAsync<ObjectDisposedException>();
        bus.IsConnected.Should().BeFalse();
    }

    [Fact]
    public async Task Publish_ToManySubscribers_ReachesEach()
    {
        await using var bus = await ConnectAsync();
        var remaining = 10_000;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 0; i < 10_000; i++)
        {
            await bus.SubscribeAsync("c", (_, _) =>
            {
                if (Interlocked.Decrement(ref remaining) == 0)
                {
                    all.SetResult();
                }

                return ValueTask.CompletedTask;
            });
        }

        await bus.PublishAsync("c", Message("m"));

        await all.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Subscribe_Unsubscribe_Publish_OnOneChannelAtOnce_LeavesItUsable()
    {
        await using var bus = await ConnectAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++)
            {
                await using var subscription = await bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask);
                await bus.PublishAsync("c", Message($"{worker}-{i}"));
            }
        })));

        var came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("c", (_, _) =>
        {
            came.TrySetResult();
            return ValueTask.CompletedTask;
        });
        await bus.PublishAsync("c", Message("last"));
        await came.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Disconnect_WhileOthersPublishAndSubscribe_OnlyFailsThemAsDisconnected()
    {
        for (var round = 0; round < 30; round++)
        {
            await using var bus = await ConnectAsync();
            var delivered = new ConcurrentQueue<bool>();
            var disconnected = false;
            var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                try
                {
                    for (var i = 0; i < 100; i++)
                    {
                        await bus.SubscribeAsync($"c{i % 5}", (_, _) => ValueTask.CompletedTask);
                        await bus.PublishAsync($"c{i % 5}", Message("m"));
                    }
                }
                catch (BusException exception) when (exception.ErrorCode == ErrorCodes.BusNotConnected)
                {
                    delivered.Enqueue(Volatile.Read(ref disconnected));
                }
            })).ToList();
            await Task.Yield();
            Volatile.Write(ref disconnected, true);
            await bus.DisconnectAsync();
            await Task.WhenAll(workers);

            delivered.Should().NotContain(false, "nobody is refused before the disconnect");
            bus.PendingRequestCount.Should().Be(0);
        }
    }

    [Fact]
    public void Deliver_AnySequence_KeepsWhatTheModeSays() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[0, 30], Gen.Bool).Sample((capacity, count, dropOldest) =>
        {
            using var bus = new SyncBus();
            var handled = bus.RunAsync(capacity, count, dropOldest ? QueueFullMode.DropOldest : QueueFullMode.DropNewest).GetAwaiter().GetResult();
            var waiting = Enumerable.Range(1, count);
            var kept = dropOldest ? waiting.TakeLast(capacity) : waiting.Take(capacity);
            return handled.SequenceEqual(kept.Prepend(0));
        }, iter: 100);

    private static async Task<InMemoryMessageBus> ConnectAsync()
    {
        var bus = new InMemoryMessageBus();
        await bus.ConnectAsync();
        return bus;
    }

    private static AgentMessage Message(string id) => new() { Id = id, Type = MessageType.Control, Sender = "test" };

    /// <summary>One handler that holds its first message until all others were published.</summary>
    private sealed class SyncBus : IDisposable
    {
        private readonly InMemoryMessageBus _bus = new();

        public async Task<IReadOnlyList<int>> RunAsync(int capacity, int count, QueueFullMode mode)
        {
            await _bus.ConnectAsync();
            var handled = new ConcurrentQueue<int>();
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await _bus.SubscribeAsync(
                "c",
                async (message, _) =>
                {
                    if (message.Id == "end")
                    {
                        ended.SetResult();
                        return;
                    }

                    handled.Enqueue(int.Parse(message.Id));
                    started.TrySetResult();
                    await release.Task;
                    if (handled.Count == Math.Min(capacity, count) + 1)
                    {
                        ended.TrySetResult();
                    }
                },
                new SubscriptionOptions { Capacity = capacity, FullMode = mode });
            await _bus.PublishAsync("c", Message("0"));
            await started.Task;
            for (var i = 1; i <= count; i++)
            {
                await _bus.PublishAsync("c", Message($"{i}"));
            }

            release.SetResult();
            await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
            return [.. handled];
        }

        public void Dispose() => _bus.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
