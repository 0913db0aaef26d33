using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Serialization;
using Conductor.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Conductor.Tests.Testing;

public sealed class RecordingMessageBusTests
{
    [Fact]
    public async Task Published_SeveralChannels_HasAllInOrder()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());

        await bus.PublishAsync("a", Message("1"));
        await bus.PublishAsync("b", Message("2"));
        await bus.PublishAsync("a", Message("3"));

        bus.Published.Select(recorded => (recorded.Number, recorded.Channel, recorded.Message.Id))
            .Should().Equal((1, "a", "1"), (2, "b", "2"), (3, "a", "3"));
        bus.PublishedTo("a").Select(message => message.Id).Should().Equal("1", "3");
    }

    [Fact]
    public async Task WaitForAsync_PublishedBefore_CompletesAtOnce()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());
        await bus.PublishAsync("a", Message("1"));

        (await bus.WaitForAsync(recorded => recorded.Channel == "a")).Message.Id.Should().Be("1");
    }

    [Fact]
    public async Task WaitForAsync_ConditionThrows_FailsTheWaitAndNotThePublisher()
    {
        await using var bus = new RecordingMessageBus();
        await bus.ConnectAsync();
        var waiting = bus.WaitForAsync(static _ => throw new InvalidOperationException("the condition"));

        await bus.PublishAsync("a", new AgentMessage("1") { Type = MessageType.Control, Sender = "test" });

        await FluentActions.Awaiting(() => waiting).Should().ThrowAsync<InvalidOperationException>().WithMessage("the condition");
        bus.Published.Should().ContainSingle();
    }

    [Fact]
    public async Task WaitForAsync_PublishedLater_CompletesThen()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());

        var waiting = bus.WaitForAsync(recorded => recorded.Message.Id == "2");
        await bus.PublishAsync("a", Message("1"));
        waiting.IsCompleted.Should().BeFalse();
        await bus.PublishAsync("a", Message("2"));

        (await waiting).Number.Should().Be(2);
    }

    [Fact]
    public async Task WaitForAsync_Cancelled_AsksItsConditionNoMore()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());
        using var cancellation = new CancellationTokenSource();
        var asked = 0;
        var waiting = bus.WaitForAsync(_ => ++asked < 0, cancellation.Token);
        await bus.PublishAsync("a", Message("1"));

        await cancellation.CancelAsync();
        await bus.PublishAsync("a", Message("2"));

        asked.Should().Be(1);
        (await FluentActions.Awaiting(() => waiting).Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken
            .Should().Be(cancellation.Token);
    }

    [Fact]
    public async Task WaitForAsync_CancelledByItsOwnCondition_LeavesOthersWaiting()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());
        using var cancellation = new CancellationTokenSource();
        var before = bus.WaitForAsync(static recorded => recorded.Message.Id == "2");
        var waiting = bus.WaitForAsync(Cancel, cancellation.Token);
        var after = bus.WaitForAsync(static recorded => recorded.Message.Id == "2");

        await bus.PublishAsync("a", Message("1"));
        await bus.PublishAsync("a", Message("2"));

        await FluentActions.Awaiting(() => waiting).Should().ThrowAsync<OperationCanceledException>();
        (await Task.WhenAll(before, after)).Should().OnlyContain(static recorded => recorded.Number == 2);

        bool Cancel(RecordedMessage recorded)
        {
            cancellation.Cancel();
            return true;
        }
    }

    [Fact]
    public async Task ClearRecorded_ForgetsAndNumbersGoOn()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus());
        await bus.PublishAsync("a", Message("1"));

        bus.ClearRecorded();
        await bus.PublishAsync("a", Message("2"));

        bus.Published.Should().ContainSingle().Which.Number.Should().Be(2);
    }

    [Fact]
    public async Task PublishAsync_WithJson_DeliversACopyThatIsEqual()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus(json: ConductorJson.Options));
        var came = new TaskCompletionSource<AgentMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("a", (message, _) =>
        {
            came.TrySetResult(message);
            return ValueTask.CompletedTask;
        });
        var payload = new StatusUpdate { AgentId = "agent", Progress = 3 };

        await bus.PublishAsync("a", Message("1") with { Payload = payload });

        (await came.Task).Payload.Should().Be(payload).And.NotBeSameAs(payload);
    }

    [Fact]
    public async Task PublishAsync_WithJsonAndUnwritablePayload_FailsItsPublisher()
    {
        await using var bus = await ConnectAsync(new RecordingMessageBus(json: ConductorJson.Options));
        Action unwritable = () => { };

        var act = () => bus.PublishAsync("a", Message("1") with { Payload = new DataPayload { Data = TaskData.From(unwritable) } }).AsTask();

        await act.Should().ThrowAsync<TaskValidationException>();
        bus.Published.Should().BeEmpty();
    }

    [Fact]
    public async Task PublishAsync_BothBusesHaveTheSameEnvironment_IsMeasuredOnce()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var sent = new MetricCollector<long>(meters, ConductorTelemetry.MeterName, "messaging.client.sent.messages");
        using var consumed = new MetricCollector<long>(meters, ConductorTelemetry.MeterName, "messaging.client.consumed.messages");
        var environment = new ConductorEnvironment(meterFactory: meters);
        await using var bus = await ConnectAsync(new RecordingMessageBus(environment, inner: new InMemoryMessageBus(environment)));
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await bus.SubscribeAsync("a", (message, _) =>
        {
            if (message.Id == "2")
            {
                last.TrySetResult();
            }

            return ValueTask.CompletedTask;
        });

        await bus.PublishAsync("a", Message("1"));
        await bus.PublishAsync("a", Message("2"));

        await last.Task;
        await consumed.WaitForMeasurementsAsync(minCount: 2, TimeSpan.FromSeconds(20));
        await bus.DisposeAsync();
        sent.GetMeasurementSnapshot().Should().HaveCount(2);
        consumed.GetMeasurementSnapshot().Should().HaveCount(2);
    }

    [Fact]
    public async Task RequestAsync_AnsweredOnTheInnerBus_IsAnswered()
    {
        await using var inner = new InMemoryMessageBus();
        await using var bus = await ConnectAsync(new RecordingMessageBus(inner: inner));
        await inner.SubscribeAsync("q", (request, token) => inner.RespondAsync(request, request.CreateResponse(MessageType.Control, "other process"), token));

        var answer = await bus.RequestAsync("q", Message("1"));

        answer.Sender.Should().Be("other process");
    }

    [Fact]
    public async Task Published_RefusedByTheInnerBus_IsNotThere()
    {
        var decision = new TaskCompletionSource();
        await using var bus = await ConnectAsync(new RecordingMessageBus(inner: new DecidingBus("refused", decision.Task)));
        var waiting = bus.WaitForAsync(static _ => true);
        var publish = bus.PublishAsync("a", Message("refused")).AsTask();
        decision.SetException(new IOException("no"));

        await FluentActions.Awaiting(() => publish).Should().ThrowAsync<IOException>();
        bus.Published.Should().BeEmpty();
        waiting.IsCompleted.Should().BeFalse();
        await bus.PublishAsync("a", Message("taken"));

        (await waiting).Message.Id.Should().Be("taken");
        bus.Published.Select(static recorded => recorded.Message.Id).Should().Equal("taken");
    }

    [Fact]
    public async Task Published_TakenByTheInnerBusLater_IsInItsPlace()
    {
        var decision = new TaskCompletionSource();
        await using var bus = await ConnectAsync(new RecordingMessageBus(inner: new DecidingBus("slow", decision.Task)));
        var publish = bus.PublishAsync("a", Message("slow")).AsTask();
        await bus.PublishAsync("a", Message("answer"));
        var waiting = bus.WaitForAsync(static recorded => recorded.Message.Id == "slow");
        waiting.IsCompleted.Should().BeFalse();

        decision.SetResult();
        await publish;

        (await waiting).Number.Should().Be(1);
        bus.Published.Select(static recorded => recorded.Message.Id).Should().Equal("slow", "answer");
    }

    private static async Task<RecordingMessageBus> ConnectAsync(RecordingMessageBus bus)
    {
        await bus.ConnectAsync();
        return bus;
    }

    private static AgentMessage Message(string id) => new() { Id = id, Type = MessageType.Control, Sender = "test" };

    /// <summary>A bus that takes its time with one message, and may refuse it.</summary>
    private sealed class DecidingBus(string id, Task decision) : MessageBus
    {
        protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken) =>
            message.Id == id ? new ValueTask(decision) : default;

        protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;

        protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;
    }
}
