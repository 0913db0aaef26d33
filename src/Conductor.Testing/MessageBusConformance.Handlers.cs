using System.Collections.Concurrent;
using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Handlers: independent of each other and of the publisher; expired messages; re-entrant use.</content>
public sealed partial class MessageBusConformance
{
    private void AddHandlerCases()
    {
        Add("A handler that fails harms neither the publisher, nor its siblings, nor its own later messages", async bus =>
        {
            var failing = new ConcurrentQueue<string>();
            await bus.SubscribeAsync("c", (message, _) =>
            {
                failing.Enqueue(message.Id);
                throw new InvalidOperationException("scripted");
            }).ConfigureAwait(false);
            var sibling = await ListenAsync(bus, "c").ConfigureAwait(false);
            await bus.PublishAsync("c", Message("1")).ConfigureAwait(false);
            await bus.PublishAsync("c", Message("2")).ConfigureAwait(false);
            await ReceiveAsync(bus, "c", 2, failing, sibling).ConfigureAwait(false);
        });
        Add("A handler that is slow delays neither the publisher nor its siblings", async bus =>
        {
            var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await bus.SubscribeAsync("c", async (_, _) => await release.Task.ConfigureAwait(false)).ConfigureAwait(false);
            var sibling = await ListenAsync(bus, "c").ConfigureAwait(false);
            for (var i = 0; i < 20; i++)
            {
                await bus.PublishAsync("c", Message($"{i}")).ConfigureAwait(false);
            }

            await ReceiveAsync(bus, "c", 20, sibling).ConfigureAwait(false);
            release.SetResult();
        });
        Add("A handler that blocks its thread delays neither the publisher nor its siblings", BlockingHandlerAsync);
        Add("A subscription handles one message after another", OneAfterAnotherAsync);
        Add("A message that expired while it waited is dropped at delivery", ExpiredIsDroppedAsync);
        Add("A message as old as its time to live is still delivered", async (bus, environment) =>
        {
            var received = await ListenAsync(bus, "c").ConfigureAwait(false);
            var made = environment.Time.GetUtcNow();
            environment.Time.Advance(TimeSpan.FromSeconds(5));
            await bus.PublishAsync("c", Message("old") with { Timestamp = made, TimeToLive = TimeSpan.FromSeconds(5) }).ConfigureAwait(false);
            await ReceiveAsync(bus, "c", 1, received).ConfigureAwait(false);
        });
        Add("A handler may publish to its own channel", async bus =>
        {
            var received = new ConcurrentQueue<string>();
            await bus.SubscribeAsync("c", async (message, token) =>
            {
                received.Enqueue(message.Id);
                if (received.Count < 100)
                {
                    await bus.PublishAsync("c", Message($"{received.Count}"), token).ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
            await bus.PublishAsync("c", Message("0")).ConfigureAwait(false);
            await UntilAsync(() => received.Count >= 100).ConfigureAwait(false);
            await ReceiveAsync(bus, "c", 100, received).ConfigureAwait(false);
        });
        Add("A handler may subscribe, ask a request and unsubscribe itself", ReentrantUseAsync);
    }

    private static async Task BlockingHandlerAsync(MessageBus bus)
    {
        using var release = new ManualResetEventSlim();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("c", (message, _) =>
        {
            // The one message alone: the case may have ended by the time of another.
            if (message.Id == "m")
            {
                release.Wait(Check.RealLimit, CancellationToken.None);
                ended.TrySetResult();
            }

            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        var sibling = await ListenAsync(bus, "c").ConfigureAwait(false);
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 1, sibling).ConfigureAwait(false);
        release.Set();
        await ended.Task.ConfigureAwait(false);
    }

    private static async Task OneAfterAnotherAsync(MessageBus bus)
    {
        var (running, most) = (0, 0);
        var handled = new ConcurrentQueue<string>();
        await bus.SubscribeAsync("c", async (message, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            handled.Enqueue(message.Id);
        }).ConfigureAwait(false);
        await Check.RaceAsync(4, async racer =>
        {
            for (var i = 0; i < 50; i++)
            {
                await bus.PublishAsync("c", Message($"{racer}-{i}")).ConfigureAwait(false);
            }

            return 0;
        }).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 200, handled).ConfigureAwait(false);
        Check.Equal(1, most, "messages handled at once");
    }

    private static async Task ExpiredIsDroppedAsync(MessageBus bus, ConformanceEnvironment environment)
    {
        var received = new ConcurrentQueue<string>();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var subscription = await bus.SubscribeAsync("c", async (message, _) =>
        {
            received.Enqueue(message.Id);
            started.TrySetResult();
            await release.Task.ConfigureAwait(false);
        }).ConfigureAwait(false);
        await bus.PublishAsync("c", Message("first")).ConfigureAwait(false);
        await started.Task.ConfigureAwait(false);
        await bus.PublishAsync("c", Message("short-lived") with { TimeToLive = TimeSpan.FromSeconds(5) }).ConfigureAwait(false);
        await bus.PublishAsync("c", Message("long-lived") with { TimeToLive = TimeSpan.FromSeconds(50) }).ConfigureAwait(false);
        await UntilAsync(() => subscription.QueuedMessages >= 2).ConfigureAwait(false);
        environment.Time.Advance(TimeSpan.FromSeconds(6));
        release.SetResult();
        await UntilAsync(() => received.Contains("long-lived")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 2, received).ConfigureAwait(false);
        Check.Sequence(["first", "long-lived"], MessagesOf(received), "messages delivered");
    }

    private static async Task ReentrantUseAsync(MessageBus bus)
    {
        await AnswerAsync(bus, "questions").ConfigureAwait(false);
        var handled = new TaskCompletionSource<AgentMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        MessageSubscription? own = null;
        var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        own = await bus.SubscribeAsync("c", async (_, token) =>
        {
            await known.Task.ConfigureAwait(false);
            await bus.SubscribeAsync("c2", (_, _) => ValueTask.CompletedTask, cancellationToken: token).ConfigureAwait(false);
            var answer = await bus.RequestAsync("questions", Message("q"), cancellationToken: token).ConfigureAwait(false);
            await own!.DisposeAsync().ConfigureAwait(false);
            handled.TrySetResult(answer);
        }).ConfigureAwait(false);
        known.SetResult();
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        Check.Equal("q", (await handled.Task.ConfigureAwait(false)).CorrelationId, "the answer a handler got");
    }
}
