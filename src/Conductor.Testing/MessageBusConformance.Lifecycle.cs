using Conductor.Messaging;

namespace Conductor.Testing;

/// <content>Connect, disconnect, reconnect.</content>
public sealed partial class MessageBusConformance
{
    private void AddLifecycleCases()
    {
        Add("Connecting a connected bus and disconnecting a disconnected one do nothing", ConnectTwiceAsync);
        Add("What is published on a disconnected bus fails with BUS_NOT_CONNECTED", async bus =>
        {
            await bus.DisconnectAsync().ConfigureAwait(false);
            await Check.FailsAsync(ErrorCodes.BusNotConnected, () => bus.PublishAsync("c", Message("m")).AsTask(), "publish").ConfigureAwait(false);
        });
        Add("A subscription to a disconnected bus fails with BUS_NOT_CONNECTED", async bus =>
        {
            await bus.DisconnectAsync().ConfigureAwait(false);
            await Check.FailsAsync(
                ErrorCodes.BusNotConnected, () => bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask).AsTask(), "subscribe").ConfigureAwait(false);
        });
        Add("A request on a disconnected bus fails with BUS_NOT_CONNECTED", async bus =>
        {
            await bus.DisconnectAsync().ConfigureAwait(false);
            await Check.FailsAsync(ErrorCodes.BusNotConnected, () => bus.RequestAsync("c", Message("m")).AsTask(), "request").ConfigureAwait(false);
            Check.Equal(0, bus.PendingRequestCount, "pending requests");
        });
        Add("Nothing is delivered after disconnect", NothingAfterDisconnectAsync);
        Add("A handler that runs is told by its token that the bus was disconnected", HandlerIsToldAsync);
        Add("Disconnect does not wait for handlers that run", async bus =>
        {
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await bus.SubscribeAsync("c", async (_, _) =>
            {
                started.TrySetResult();
                await release.Task.ConfigureAwait(false);
            }).ConfigureAwait(false);
            await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
            await started.Task.ConfigureAwait(false);
            await bus.DisconnectAsync().ConfigureAwait(false);
            release.SetResult();
        });
        Add("Reconnect works: new subscriptions and requests, and none of the old ones", ReconnectAsync);
        Add("Disposing disconnects", async bus =>
        {
            await bus.DisposeAsync().ConfigureAwait(false);
            Check.True(!bus.IsConnected, "a disposed bus not to be connected");
        });
        Add("Publishing without a channel or a message is a wrong argument", async bus =>
        {
            await Check.ThrowsAsync<ArgumentException>(() => bus.PublishAsync(string.Empty, Message("m")).AsTask(), "no channel").ConfigureAwait(false);
            await Check.ThrowsAsync<ArgumentNullException>(() => bus.PublishAsync("c", null!).AsTask(), "no message").ConfigureAwait(false);
        });
    }

    private static async Task ConnectTwiceAsync(MessageBus bus)
    {
        var received = await ListenAsync(bus, "c").ConfigureAwait(false);
        await bus.ConnectAsync().ConfigureAwait(false);
        Check.True(bus.IsConnected, "the bus to be connected");
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 1, received).ConfigureAwait(false);

        await bus.DisconnectAsync().ConfigureAwait(false);
        await bus.DisconnectAsync().ConfigureAwait(false);
        Check.True(!bus.IsConnected, "the bus to be disconnected");
    }

    private static async Task NothingAfterDisconnectAsync(MessageBus bus)
    {
        var handled = 0;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("c", async (_, _) =>
        {
            Interlocked.Increment(ref handled);
            started.TrySetResult();
            await release.Task.ConfigureAwait(false);
        }).ConfigureAwait(false);
        for (var i = 0; i < 10; i++)
        {
            await bus.PublishAsync("c", Message($"m{i}")).ConfigureAwait(false);
        }

        await started.Task.ConfigureAwait(false);
        await bus.DisconnectAsync().ConfigureAwait(false);
        release.SetResult();
        await bus.ConnectAsync().ConfigureAwait(false);
        await FlushAsync(bus, "c").ConfigureAwait(false);
        Check.Equal(1, handled, "messages handled by a subscription that held ten when the bus was disconnected");
    }

    private static async Task HandlerIsToldAsync(MessageBus bus)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("c", async (_, token) =>
        {
            started.TrySetResult();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                told.TrySetResult();
                throw;
            }
        }).ConfigureAwait(false);
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        await started.Task.ConfigureAwait(false);
        await bus.DisconnectAsync().ConfigureAwait(false);
        await told.Task.ConfigureAwait(false);
    }

    private static async Task ReconnectAsync(MessageBus bus)
    {
        var before = await ListenAsync(bus, "c").ConfigureAwait(false);
        await bus.DisconnectAsync().ConfigureAwait(false);
        await bus.ConnectAsync().ConfigureAwait(false);
        var after = await ListenAsync(bus, "c").ConfigureAwait(false);
        await AnswerAsync(bus, "questions").ConfigureAwait(false);
        await bus.PublishAsync("c", Message("m")).ConfigureAwait(false);
        await ReceiveAsync(bus, "c", 1, after).ConfigureAwait(false);
        Check.Equal(0, before.Count, "messages on a subscription from before");
        var answer = await bus.RequestAsync("questions", Message("q")).ConfigureAwait(false);
        Check.Equal("q", answer.CorrelationId, "the answer's correlation id");
    }
}
