using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Tests.Support;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Conductor.Tests.Messaging;

/// <summary>What waits for a handler is claimed several at once. Nobody can tell: it counts, makes room and is dropped as if it were not.</summary>
public sealed class SubscriptionClaimTests
{
    /// <summary>Steps: so many messages are published, or with zero the handler is done with the one that it has.</summary>
    [Fact]
    public async Task AnyStepsOfPublishingAndHandling_AreAsWithOneQueue() =>
        await Gen.Select(Gen.Int[1, 70], Gen.Bool, Gen.OneOf(Gen.Const(0), Gen.Int[0, 50]).Array[1, 40]).SampleAsync(
            async (capacity, dropsOldest, steps) =>
            {
                await using var bus = new CountingBus();
                await bus.Inner.ConnectAsync();
                using var gate = new SemaphoreSlim(0);
                var handled = new ConcurrentQueue<int>();
                var subscription = await bus.Inner.SubscribeAsync(
                    "c",
                    async (message, _) =>
                    {
                        handled.Enqueue(int.Parse(message.Id));
                        await gate.WaitAsync(CancellationToken.None);
                    },
                    new SubscriptionOptions { Capacity = capacity, FullMode = dropsOldest ? QueueFullMode.DropOldest : QueueFullMode.DropNewest });
                var expected = new List<int>();
                var waiting = new List<int>();
                var (isHeld, published) = (false, 0);
                foreach (var step in steps)
                {
                    for (var i = 0; i < step; i++)
                    {
                        await bus.Inner.PublishAsync("c", Message(published));
                        waiting.Add(published++);
                        if (!isHeld)
                        {
                            await HandleNextAsync();
                        }
                        else if (waiting.Count > capacity)
                        {
                            waiting.RemoveAt(dropsOldest ? 0 : capacity);
                        }
                    }

                    if (step == 0 && isHeld)
                    {
                        gate.Release();
                        isHeld = false;
                        if (waiting.Count > 0)
                        {
                            await HandleNextAsync();
                        }
                    }

                    await Rig.UntilAsync(() => subscription.QueuedMessages == waiting.Count, "what waits to be counted");
                }

                await subscription.DisposeAsync();
                gate.Release(published + 1);

                subscription.QueuedMessages.Should().Be(0);
                handled.Should().Equal(expected);
                bus.Dropped.Should().Be(published - expected.Count);

                async Task HandleNextAsync()
                {
                    isHeld = true;
                    expected.Add(waiting[0]);
                    waiting.RemoveAt(0);
                    await Rig.UntilAsync(() => handled.Count == expected.Count, "the next to be handled");
                }
            },
            iter: 60);

    [Theory]
    [InlineData(QueueFullMode.DropOldest, 1)]
    [InlineData(QueueFullMode.DropOldest, 40)]
    [InlineData(QueueFullMode.DropNewest, 40)]
    [InlineData(QueueFullMode.DropOldest, 100_000)]
    public async Task SeveralPublishersAtOnce_EachMessageIsHandledOrDroppedOnce_InTheOrderOfItsPublisher(QueueFullMode mode, int capacity)
    {
        const int Publishers = 3;
        const int Messages = 40_000;
        await using var bus = new CountingBus();
        await bus.Inner.ConnectAsync();
        var last = Enumerable.Repeat(-1, Publishers).ToArray();
        var (handled, disorder) = (0, 0);
        var subscription = await bus.Inner.SubscribeAsync(
            "c",
            (message, _) =>
            {
                var (publisher, number) = Math.DivRem(int.Parse(message.Id), Messages);
                disorder += number <= last[publisher] ? 1 : 0;
                last[publisher] = number;
                Interlocked.Increment(ref handled);
                return ValueTask.CompletedTask;
            },
            new SubscriptionOptions { Capacity = capacity, FullMode = mode });

        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            for (var i = 0; i < Messages; i++)
            {
                await bus.Inner.PublishAsync("c", Message((publisher * Messages) + i));
            }
        })));

        await Rig.UntilAsync(() => Volatile.Read(ref handled) + bus.Dropped == Publishers * Messages, "each to be handled or dropped");
        subscription.QueuedMessages.Should().Be(0);
        disorder.Should().Be(0);
    }

    private static AgentMessage Message(int number) => new($"{number}") { Type = MessageType.Control, Sender = "test" };

    /// <summary>A bus with a meter of its own: tests run side by side.</summary>
    private sealed class CountingBus : IAsyncDisposable
    {
        private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        private readonly MetricCollector<long> _dropped;

        public CountingBus()
        {
            var meters = _services.GetRequiredService<IMeterFactory>();
            _dropped = new MetricCollector<long>(meters, ConductorTelemetry.MeterName, "conductor.bus.message.dropped");
            Inner = new InMemoryMessageBus(new ConductorEnvironment(meterFactory: meters));
        }

        public InMemoryMessageBus Inner { get; }

        public long Dropped => _dropped.GetMeasurementSnapshot().Sum(static measurement => measurement.Value);

        public async ValueTask DisposeAsync()
        {
            await Inner.DisposeAsync();
            _dropped.Dispose();
            await _services.DisposeAsync();
        }
    }
}
