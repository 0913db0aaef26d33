using System.Reflection;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Messaging;

/// <summary>Subscriptions, where the provider takes its time or fails.</summary>
public sealed class SubscribingTests
{
    /// <summary>The provider was told while it was connected still, and forgot it with the disconnect that did not see it.</summary>
    [Fact]
    public async Task SubscribeAsync_BusIsDisconnectedAndConnectedAgainMeanwhile_SaysSo()
    {
        // Which of the two threads gets the lock first is chance.
        for (var round = 0; round < 10; round++)
        {
            await using var bus = new SlowBus();
            await bus.ConnectAsync();
            var subscribing = new TaskCompletionSource<Task>();
            Task disconnecting;
            lock (bus.Gate)
            {
                // As if the system took the thread away when it had seen that the bus is connected.
                var subscriber = new Thread(() => subscribing.SetResult(bus.SubscribeAsync("news", static (_, _) => ValueTask.CompletedTask).AsTask()));
                subscriber.Start();
                SpinWait.SpinUntil(() => subscriber.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(20)).Should().BeTrue();
                disconnecting = Task.Factory.StartNew(
                    () => bus.DisconnectAsync().AsTask(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
                SpinWait.SpinUntil(() => !bus.IsConnected, TimeSpan.FromSeconds(20)).Should().BeTrue();
            }

            await bus.IsAsked.Task;
            await disconnecting;
            await bus.ConnectAsync();
            bus.MaySubscribe.SetResult();

            await FluentActions.Awaiting(async () => await await subscribing.Task).Should().ThrowAsync<BusException>();
        }
    }

    [Fact]
    public async Task UnsubscribeAsync_ProviderFailsAtOne_TheOthersEndAllTheSame()
    {
        await using var bus = new TroubledBus(ConductorEnvironment.Default);
        await bus.ConnectAsync();
        var got = 0;
        Func<AgentMessage, CancellationToken, ValueTask> handler = (_, _) =>
        {
            Interlocked.Increment(ref got);
            return ValueTask.CompletedTask;
        };
        var first = await bus.SubscribeAsync("news", handler);
        var second = await bus.SubscribeAsync("news", handler);
        bus.FailsToUnsubscribe = true;

        await FluentActions.Awaiting(() => bus.UnsubscribeAsync("news", handler).AsTask()).Should().ThrowAsync<BusException>();

        bus.Unsubscribed.Should().Be(2);
        first.Deliver(new AgentMessage { Type = MessageType.Control, Sender = "test" });
        second.Deliver(new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await Rig.SettleAsync();
        got.Should().Be(0);
    }

    private sealed class SlowBus() : MessageBus(ConductorEnvironment.Default)
    {
        public Lock Gate => (Lock)typeof(MessageBus).GetField("_gate", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(this)!;

        public TaskCompletionSource IsAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource MaySubscribe { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken) => default;

        protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken)
        {
            IsAsked.SetResult();
            return new(MaySubscribe.Task);
        }

        protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;
    }
}
