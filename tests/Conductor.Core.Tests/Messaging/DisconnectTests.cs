using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Messaging;

/// <summary>A bus is disconnected while something goes on.</summary>
public sealed class DisconnectTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>What a handler does as it is told, on the thread that tells it, is its own affair.</summary>
    [Fact]
    [Trait("Behaviour", "13")]
    public async Task DisconnectAsync_HandlerBlocksAsItIsTold_NobodyWaitsForIt()
    {
        await using var rig = await Rig.StartAsync();
        using var release = new ManualResetEventSlim();
        var (running, handling) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (_, token) =>
        {
            running.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        await rig.Bus.SubscribeAsync("news", async (_, token) =>
        {
            await using var told = token.Register(() => release.Wait(_limit));
            handling.SetResult();
            await Task.Delay(Timeout.Infinite, CancellationToken.None).WaitAsync(token);
        });
        await rig.Bus.PublishAsync("news", new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await handling.Task.WaitAsync(_limit);
        var dispatch = rig.DispatchAsync();
        await running.Task.WaitAsync(_limit);

        await rig.Bus.DisconnectAsync().AsTask().WaitAsync(_limit);

        (await dispatch.WaitAsync(_limit)).Error!.Code.Should().Be(ErrorCodes.BusDisconnected);
        release.IsSet.Should().BeFalse();
        release.Set();
    }

    [Fact]
    public async Task DisconnectAsync_HandlerEndsWhenTheBusIsConnectedAgain_HasNotFailed()
    {
        await using var rig = await Rig.StartAsync();
        var (handling, told) = (new TaskCompletionSource(), new TaskCompletionSource());
        var subscription = await rig.Bus.SubscribeAsync("news", async (_, token) =>
        {
            handling.SetResult();
            await told.Task;
            token.ThrowIfCancellationRequested();
        });
        await rig.Bus.PublishAsync("news", new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await handling.Task.WaitAsync(_limit);
        await rig.Bus.DisconnectAsync();
        await rig.Bus.ConnectAsync();
        told.SetResult();

        await subscription.WhenQuiet().WaitAsync(_limit);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Exception is OperationCanceledException);
    }

    [Fact]
    [Trait("Behaviour", "14")]
    public async Task SubscribeAsync_BusWasConnectedAgainMeanwhile_SaysThatNothingWouldCome()
    {
        await using var bus = new SlowBus();
        await bus.ConnectAsync();
        var subscribing = bus.SubscribeAsync("news", static (_, _) => ValueTask.CompletedTask).AsTask();
        await bus.DisconnectAsync();
        await bus.ConnectAsync();
        bus.Subscribed.SetResult();

        (await FluentActions.Awaiting(() => subscribing.WaitAsync(_limit)).Should().ThrowAsync<BusException>())
            .Which.ErrorCode.Should().Be(ErrorCodes.BusDisconnected);
    }

    /// <summary>One whose server takes its time.</summary>
    private sealed class SlowBus() : MessageBus(ConductorEnvironment.Default)
    {
        public TaskCompletionSource Subscribed { get; } = new();

        protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken) => default;

        protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => new(Subscribed.Task);

        protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;
    }
}
