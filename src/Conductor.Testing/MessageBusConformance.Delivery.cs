using System.Collections.Concurrent;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Who gets what, in which order.</content>
public sealed partial class MessageBusConformance
{
    private void AddDeliveryCases()
    {
        Add("A message reaches every current subscription of its channel and no other", async bus =>
        {
            var first = await ListenAsync(bus, "c").ConfigureAwait(false);
            var second = await ListenAsync(bus, "c").ConfigureAwait(false);
            var other = await ListenAsync(bus, "other").ConfigureAwait(false);
            await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
            await ReceiveAsync(bus, "c", 1, first, second).ConfigureAwait(false);
            await ReceiveAsync(bus, "other", 0, other).ConfigureAwait(false);
        });
        Add("A message arrives with everything it had", ArrivesWholeAsync);
        Add("A message without a timestamp gets the time of publishing", async (bus, environment) =>
        {
            var came = new TaskCompletionSource<AgentMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
            await bus.SubscribeAsync("c", (message, _) =>
            {
                came.TrySetResult(message);
                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
            environment.Time.Advance(TimeSpan.FromMinutes(3));
            await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
            Check.Equal(environment.Time.GetUtcNow(), (await came.Task.ConfigureAwait(false)).Timestamp, "timestamp");
        });
        Add("Who subscribes later gets nothing of what was published before", async bus =>
        {
            await bus.PublishAsync("c", Message("early")).ConfigureAwait(false);
            var received = await ListenAsync(bus, "c").ConfigureAwait(false);
            await bus.PublishAsync("c", Message("late")).ConfigureAwait(false);
            await ReceiveAsync(bus, "c", 1, received).ConfigureAwait(false);
            Check.Sequence(["late"], MessagesOf(received), "messages received");
        });
        Add("A subscription is live when its call returns", async bus =>
        {
            for (var i = 0; i < 50; i++)
            {
                var received = await ListenAsync(bus, $"c{i}").ConfigureAwait(false);
                await bus.PublishAsync($"c{i}", Message("m")).ConfigureAwait(false);
                await ReceiveAsync(bus, $"c{i}", 1, received).ConfigureAwait(false);
            }
        });
        Add("Each subscription sees the messages of one publisher in their order", OrderPerPublisherAsync);
        Add("A steady subscription misses nothing while others come and go", SteadyAmongComingAndGoingAsync);
        Add("After unsubscribing by handler nothing comes, and other handlers still get everything", UnsubscribeByHandlerAsync);
        Add("Unsubscribing a handler that is not subscribed says so", async bus =>
            Check.True(
                !await bus.UnsubscribeAsync("c", (_, _) => ValueTask.CompletedTask).ConfigureAwait(false), "UnsubscribeAsync to answer false"));
        Add("Disposing a subscription ends it, twice as well as once", async bus =>
        {
            var handled = 0;
            var subscription = await bus.SubscribeAsync("c", (_, _) =>
            {
                Interlocked.Increment(ref handled);
                return ValueTask.CompletedTask;
            }).ConfigureAwait(false);
            await subscription.DisposeAsync().ConfigureAwait(false);
            await subscription.DisposeAsync().ConfigureAwait(false);
            await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
            await FlushAsync(bus, "c").ConfigureAwait(false);
            Check.Equal(0, handled, "messages handled after disposal");
        });
    }

    private static async Task ArrivesWholeAsync(MessageBus bus)
    {
        var sent = new AgentMessage
        {
            Id = "id",
            Type = MessageType.StatusUpdate,
            Sender = "sender",
            Recipient = "recipient",
            CorrelationId = "correlation",
            Priority = TaskPriority.Critical,
            Timestamp = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero),
            TimeToLive = TimeSpan.FromDays(10_000),
            Headers = new Dictionary<string, string>(StringComparer.Ordinal) { ["header"] = "value" },
            Payload = new StatusUpdate { AgentId = "agent", Status = AgentStatus.Running, Progress = 12.5, Text = "täxt\n" },
        };
        var came = new TaskCompletionSource<AgentMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("c", (message, _) =>
        {
            came.TrySetResult(message);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        await bus.PublishAsync("c", sent).ConfigureAwait(false);
        var received = await came.Task.ConfigureAwait(false);
        Check.Equal(sent with { Headers = received.Headers }, received, "the message");
        Check.Equal("value", received.Headers.GetValueOrDefault("header"), "its header");
    }

    private static async Task OrderPerPublisherAsync(MessageBus bus)
    {
        const int Publishers = 4;
        const int Messages = 250;
        ConcurrentQueue<string>[] received =
        [
            await ListenAsync(bus, "c").ConfigureAwait(false),
            await ListenAsync(bus, "c").ConfigureAwait(false),
        ];
        await Check.RaceAsync(Publishers, async publisher =>
        {
            for (var i = 0; i < Messages; i++)
            {
                await bus.PublishAsync("c", Message($"{publisher}-{i}")).ConfigureAwait(false);
            }

            return 0;
        }).ConfigureAwait(false);
        foreach (var subscription in received)
        {
            await ReceiveAsync(bus, "c", Publishers * Messages, subscription).ConfigureAwait(false);
            for (var publisher = 0; publisher < Publishers; publisher++)
            {
                var prefix = $"{publisher}-";
                Check.Sequence(
                    Enumerable.Range(0, Messages).Select(i => $"{prefix}{i}"),
                    subscription.Where(id => id.StartsWith(prefix, StringComparison.Ordinal)),
                    $"messages of publisher {publisher}");
            }
        }
    }

    private static async Task SteadyAmongComingAndGoingAsync(MessageBus bus)
    {
        const int Messages = 300;
        var steady = await ListenAsync(bus, "c").ConfigureAwait(false);
        await Check.RaceAsync(3, async racer =>
        {
            for (var i = 0; i < (racer == 0 ? Messages : 60); i++)
            {
                if (racer == 0)
                {
                    await bus.PublishAsync("c", Message($"{i}")).ConfigureAwait(false);
                    continue;
                }

                var passing = await bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask).ConfigureAwait(false);
                await passing.DisposeAsync().ConfigureAwait(false);
            }

            return 0;
        }).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", Messages, steady).ConfigureAwait(false);
        Check.Sequence(Enumerable.Range(0, Messages).Select(static i => $"{i}"), MessagesOf(steady), "messages of the steady subscription");
    }

    private static async Task UnsubscribeByHandlerAsync(MessageBus bus)
    {
        var handled = new ConcurrentQueue<string>();
        ValueTask HandleAsync(AgentMessage message, CancellationToken token)
        {
            handled.Enqueue(message.Id);
            return ValueTask.CompletedTask;
        }

        Func<AgentMessage, CancellationToken, ValueTask> handler = HandleAsync;
        await bus.SubscribeAsync("c", handler).ConfigureAwait(false);
        await bus.SubscribeAsync("kept", handler).ConfigureAwait(false);
        var other = await ListenAsync(bus, "c").ConfigureAwait(false);
        Check.True(await bus.UnsubscribeAsync("c", handler).ConfigureAwait(false), "UnsubscribeAsync to answer true");
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 1, other).ConfigureAwait(false);
        Check.Equal(0, handled.Count, "messages handled after unsubscribing");
        await bus.PublishAsync("kept", Message("m")).ConfigureAwait(false);
        await ReceiveAsync(bus, "kept", 1, handled).ConfigureAwait(false);
    }
}
