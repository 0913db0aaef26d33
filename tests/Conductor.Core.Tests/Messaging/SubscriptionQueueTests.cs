using System.Collections.Concurrent;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using System.Diagnostics.Metrics;

namespace Conductor.Tests.Messaging;

/// <summary>What the conformance suite does not see: counters and logs of a full queue, expiry, failing handlers.</summary>
public sealed class SubscriptionQueueTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly VirtualTimeProvider _time = new();
    private readonly FakeLogCollector _logs = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly InMemoryMessageBus _bus;
    private readonly IMeterFactory _meters;
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _handled = new();

    public SubscriptionQueueTests()
    {
        _meters = _services.GetRequiredService<IMeterFactory>();
        _bus = new InMemoryMessageBus(new ConductorEnvironment(_time, new FakeLoggerFactory(_logs), _meters));
    }

    public async Task InitializeAsync() => await _bus.ConnectAsync();

    public async Task DisposeAsync()
    {
        _release.TrySetResult();
        await _bus.DisposeAsync();
        await _services.DisposeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    /// <summary>Somebody who listens to metrics and fails must not silence a subscription.</summary>
    [Theory]
    [InlineData("messaging.client.consumed.messages")]
    [InlineData("messaging.process.duration")]
    [InlineData("conductor.bus.queue.wait_time")]
    public async Task Publish_ListenerOfMetricsFails_TheNextMessagesAreHandled(string instrument)
    {
        var isOn = true;
        var failed = new TaskCompletionSource();
        using var consumed = new MetricCollector<long>(_meters, ConductorTelemetry.MeterName, "messaging.client.consumed.messages");
        using var listener = new MeterListener
        {
            InstrumentPublished = (made, own) =>
            {
                if (made.Name == instrument && made.Meter.Scope == _meters)
                {
                    own.EnableMeasurementEvents(made);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Measure());
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Measure());
        listener.Start();
        await _bus.SubscribeAsync("channel", (message, _) =>
        {
            _handled.Enqueue(message.Id);
            return ValueTask.CompletedTask;
        });
        await PublishAsync("bad");
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(20));
        isOn = false;

        await PublishAsync("first");
        await PublishAsync("second");

        await Rig.UntilAsync(() => _handled.Contains("second"), "the later messages");
        _handled.Should().Equal("bad", "first", "second");
        await Rig.UntilAsync(() => consumed.GetMeasurementSnapshot().Count == 3, "each to be counted once");
        _logs.GetSnapshot().Where(static record => record.Exception is InvalidOperationException).Should().ContainSingle().Which.Id.Id.Should()
            .Be(1611, "it is not the handler's failure");

        void Measure()
        {
            if (isOn)
            {
                failed.TrySetResult();
                throw new InvalidOperationException("the exporter failed");
            }
        }

        ValueTask PublishAsync(string id) => _bus.PublishAsync("channel", new AgentMessage(id) { Type = MessageType.Control, Sender = "test" });
    }

    [Theory]
    [InlineData(QueueFullMode.DropOldest)]
    [InlineData(QueueFullMode.DropNewest)]
    public async Task Deliver_QueueFull_IsCountedEachTimeAndLoggedOnce(QueueFullMode mode)
    {
        using var dropped = Collect<long>("conductor.bus.message.dropped");
        await HoldAsync(new SubscriptionOptions { Capacity = 2, FullMode = mode });

        for (var i = 0; i < 5; i++)
        {
            await _bus.PublishAsync(Channels.Agent("secret-id"), Message($"{i}"));
        }

        dropped.GetMeasurementSnapshot().Sum(measurement => measurement.Value).Should().Be(3);
        dropped.GetMeasurementSnapshot().Should().OnlyContain(measurement => (string?)measurement.Tags["reason"] == "queue_full");
        _logs.GetSnapshot().Where(record => record.Id.Id == 1103).Should().ContainSingle()
            .Which.Message.Should().ContainAll("2", mode.ToString()).And.NotContain("secret-id");
    }

    [Fact]
    public async Task Deliver_QueueFullAgainAfterCatchingUp_IsLoggedAgain()
    {
        var subscription = await HoldAsync(new SubscriptionOptions { Capacity = 1 });
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("1"));
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("2"));
        _release.SetResult();
        await UntilAsync(() => _handled.Contains("2") && subscription.QueuedMessages == 0);
        await UntilAsync(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                await _bus.PublishAsync(Channels.Agent("secret-id"), Message("more"));
            }

            return _logs.GetSnapshot().Count(record => record.Id.Id == 1103) > 1;
        });
    }

    [Theory]
    [InlineData(true, "unsubscribed")]
    [InlineData(false, "disconnected")]
    public async Task Close_MessagesThatWait_AreCountedWithTheReason(bool unsubscribes, string reason)
    {
        using var dropped = Collect<long>("conductor.bus.message.dropped");
        var subscription = await HoldAsync();
        for (var i = 0; i < 3; i++)
        {
            await _bus.PublishAsync(Channels.Agent("secret-id"), Message($"{i}"));
        }

        await (unsubscribes ? subscription.DisposeAsync() : _bus.DisconnectAsync());

        dropped.GetMeasurementSnapshot().Sum(measurement => measurement.Value).Should().Be(3);
        dropped.GetMeasurementSnapshot().Should().OnlyContain(measurement => (string?)measurement.Tags["reason"] == reason);
        _logs.GetSnapshot().Where(record => record.Id.Id == 1104).Should().HaveCount(3);
    }

    [Fact]
    public async Task Deliver_MessageExpiredInQueue_IsCountedAsExpired()
    {
        using var dropped = Collect<long>("conductor.bus.message.dropped");
        await HoldAsync();
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("old") with { TimeToLive = TimeSpan.FromSeconds(1) });
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("fresh"));

        _time.Advance(TimeSpan.FromSeconds(2));
        _release.SetResult();
        await UntilAsync(() => _handled.Contains("fresh"));

        _handled.Should().NotContain("old");
        dropped.GetMeasurementSnapshot().Should().ContainSingle().Which.Tags["reason"].Should().Be("expired");
    }

    [Fact]
    public async Task Publish_CountsSentAndConsumed_AndMeasuresWaitingAndHandling()
    {
        using var sent = Collect<long>("messaging.client.sent.messages");
        using var consumed = Collect<long>("messaging.client.consumed.messages");
        using var waited = Collect<double>("conductor.bus.queue.wait_time");
        using var handled = Collect<double>("messaging.process.duration");
        await HoldAsync();
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("1"));

        _time.Advance(TimeSpan.FromSeconds(3));
        _release.SetResult();
        await UntilAsync(() => consumed.GetMeasurementSnapshot().Count == 2 && handled.GetMeasurementSnapshot().Count == 2);

        sent.GetMeasurementSnapshot().Sum(measurement => measurement.Value).Should().Be(2);
        waited.GetMeasurementSnapshot().Select(measurement => measurement.Value).Should().BeEquivalentTo(new[] { 0.0, 3.0 });
        handled.GetMeasurementSnapshot()[0].Value.Should().Be(3.0);
        sent.GetMeasurementSnapshot().Concat(consumed.GetMeasurementSnapshot()).SelectMany(measurement => measurement.Tags.Values)
            .Should().NotContain("secret-id", "never an id on a metric");
    }

    [Fact]
    public async Task Queue_WaitingMessages_AreObserved()
    {
        using var waiting = Collect<long>("conductor.bus.queue.message.count");
        await HoldAsync();
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("1"));
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("2"));

        waiting.RecordObservableInstruments();

        waiting.LastMeasurement!.Value.Should().Be(2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Handler_ThatSetsAnAsyncLocal_LeavesNothingToTheNextMessage(bool suspends)
    {
        var local = new AsyncLocal<string?>();
        var seen = new ConcurrentQueue<string?>();

        // Not async: an async method would undo what it sets by itself.
        ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken)
        {
            seen.Enqueue(local.Value);
            local.Value = message.Id;
            return suspends ? new ValueTask(_release.Task) : ValueTask.CompletedTask;
        }

        await _bus.SubscribeAsync("c", HandleAsync);
        for (var i = 0; i < 100; i++)
        {
            await _bus.PublishAsync("c", Message($"{i}"));
        }

        _release.SetResult();
        await UntilAsync(() => seen.Count == 100);

        seen.Should().OnlyContain(value => value == null);
    }

    [Fact]
    public async Task Handler_ThatFails_IsLoggedWithChannelTemplateAndMessage()
    {
        await _bus.SubscribeAsync(Channels.Agent("secret-id"), (_, _) => throw new InvalidOperationException("scripted"));

        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("bad"));
        await UntilAsync(() => _logs.GetSnapshot().Any(record => record.Id.Id == 1102));

        var record = _logs.GetSnapshot().Single(record => record.Id.Id == 1102);
        record.Level.Should().Be(LogLevel.Error);
        record.Exception.Should().BeOfType<InvalidOperationException>();
        record.Message.Should().ContainAll("conductor:agent:{id}", "bad");
    }

    [Fact]
    public async Task Disconnect_WithWaitingMessages_SaysHowManyWereDropped()
    {
        await HoldAsync();
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("1"));
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("2"));

        await _bus.DisconnectAsync();

        _logs.GetSnapshot().Single(record => record.Id.Id == 1101).Message.Should().Contain("2 waiting");
    }

    private static AgentMessage Message(string id) => new() { Id = id, Type = MessageType.Control, Sender = "test" };

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
        }
    }

    private MetricCollector<T> Collect<T>(string instrument)
        where T : struct => new(_meters, ConductorTelemetry.MeterName, instrument);

    /// <summary>A subscription whose handler holds its first message until it is released.</summary>
    private async Task<MessageSubscription> HoldAsync(SubscriptionOptions? options = null)
    {
        var subscription = await _bus.SubscribeAsync(
            Channels.Agent("secret-id"),
            async (message, _) =>
            {
                _handled.Enqueue(message.Id);
                await _release.Task;
            },
            options);
        await _bus.PublishAsync(Channels.Agent("secret-id"), Message("held"));
        await UntilAsync(() => !_handled.IsEmpty);
        return subscription;
    }
}
