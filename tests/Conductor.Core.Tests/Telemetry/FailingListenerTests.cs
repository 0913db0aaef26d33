using System.Diagnostics;
using System.Diagnostics.Metrics;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.Telemetry;

/// <summary>Whoever is only told of a thing, and fails, does not end it.</summary>
public sealed class FailingListenerTests
{
    /// <summary>Everything is measured on this way: a task that is retried and given up, and a run.</summary>
    [Fact]
    public async Task Listener_FailsAtEveryInstrument_NothingIsLost()
    {
        using var meters = new OwnMeters();
        await using var rig = await Rig.StartAsync(new RigOptions { Meters = meters });
        var failures = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (ReferenceEquals(instrument.Meter, rig.Environment.Instruments.Meter))
                {
                    own.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Fail());
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Fail());
        listener.Start();
        await rig.AddAsync(static task => task.Task.Id == "bad" ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.Empty, id: "a");

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Id = "bad", Retry = new RetrySettings { MaxRetries = 1 } }));
        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "run", Tasks = [Rig.NewTask()] }).AsTask());

        (result.Status, result.Attempts, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, 2, ErrorCodes.TransientError));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle();
        (await rig.State.GetTaskResultAsync("bad")).Should().Be(result);
        state.Status.Should().Be(WorkflowStatus.Completed);
        await rig.Coordinator.StopAsync();
        failures.Should().BeGreaterThan(20);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1611, "nothing fails silently");

        void Fail()
        {
            Interlocked.Increment(ref failures);
            throw new InvalidOperationException("the exporter failed");
        }
    }

    /// <summary>One that throws when it is told of an instrument: neither the bus nor those who listen besides are to suffer, then or later.</summary>
    [Fact]
    public async Task Listener_FailsWhenItIsToldOfAnInstrument_TheOthersHearAndTheBusConnects()
    {
        using var meters = new MarkedMeters();
        var logs = new FakeLogCollector();
        var environment = new ConductorEnvironment(loggerFactory: new FakeLoggerFactory(logs), meterFactory: meters);
        var (before, after) = (0L, 0L);
        using var early = Listen(value => Interlocked.Add(ref before, value));
        using var failing = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (IsOurs(instrument))
                {
                    throw new InvalidOperationException("the exporter failed");
                }
            },
        };
        failing.Start();
        await using var bus = new InMemoryMessageBus(environment);

        await bus.ConnectAsync();
        failing.Dispose();
        using var late = Listen(value => Interlocked.Add(ref after, value));
        await bus.PublishAsync("channel", new AgentMessage { Type = MessageType.Control, Sender = "test" });

        (before, after).Should().Be((1, 1));
        logs.GetSnapshot().Where(static record => record.Id.Id == 1611).Should().HaveCount(17, "each instrument has one line")
            .And.Contain(static record => record.Message.Contains("conductor.bus.queue.message.count"));

        bool IsOurs(Instrument instrument) => ReferenceEquals(instrument.Meter.Scope, meters);

        MeterListener Listen(Action<long> count)
        {
            var listener = new MeterListener
            {
                InstrumentPublished = (instrument, own) =>
                {
                    if (IsOurs(instrument) && instrument.Name == "messaging.client.sent.messages")
                    {
                        own.EnableMeasurementEvents(instrument);
                    }
                },
            };
            listener.SetMeasurementEventCallback<long>((_, value, _, _) => count(value));
            listener.Start();
            return listener;
        }
    }

    [Fact]
    public async Task TraceListener_FailsAtASend_TheMessageComes()
    {
        const string Channel = "fails-at-send";
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == ConductorTelemetry.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Name.Contains(Channel, StringComparison.Ordinal) ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStarted = static activity =>
                _ = activity.OperationName.Contains(Channel, StringComparison.Ordinal) ? throw new InvalidOperationException("listener") : 0,
        };
        ActivitySource.AddActivityListener(listener);
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channel);

        await rig.Bus.PublishAsync(Channel, new AgentMessage { Type = MessageType.Control, Sender = "test" });

        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the message");
    }

    /// <summary>
    /// A sampler that throws when a span begins, or an exporter when it ends. (Those of this test's names alone: others listen at the same time.)
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TraceListener_Fails_NothingIsLost(bool atBegin)
    {
        var name = $"fails-{atBegin}";
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == ConductorTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                !options.Name.EndsWith(name, StringComparison.Ordinal) ? ActivitySamplingResult.None
                : atBegin ? throw new InvalidOperationException("sampler") : ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
                _ = activity.OperationName.EndsWith(name, StringComparison.Ordinal) ? throw new InvalidOperationException("exporter") : 0,
        };
        ActivitySource.AddActivityListener(listener);
        await using var rig = await Rig.StartAsync();
        await rig.Coordinator.RegisterAgentAsync(
            new AgentIdentity { Id = "a", Name = name, Type = AgentType.Coding }, static () => new LambdaAgent(static _ => TaskData.Empty));

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Id = "t", Name = name }));
        var state = await rig.DriveAsync(
            rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = name, Tasks = [Rig.NewTask() with { Name = name }] }).AsTask());

        (result.Status, state.Status).Should().Be((AgentTaskStatus.Completed, WorkflowStatus.Completed));
        (await rig.State.GetTaskResultAsync("t")).Should().Be(result);
        Activity.Current.Should().BeNull();
        rig.Logs.GetSnapshot().Count(static record => record.Id.Id == 1612).Should().Be(5, "each of the spans of two dispatches and a run failed");
    }

    [Fact]
    public async Task Logger_Fails_NothingIsLost()
    {
        using var loggers = LoggerFactory.Create(static builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(new FailingLoggers()));
        await using var rig = await Rig.StartAsync(
            new RigOptions { Loggers = loggers, Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 100 } } });
        await rig.AddAsync(static async (task, _) =>
        {
            if (task.Task.Id == "late")
            {
                // It ignores its token, is set aside, and comes back when nobody waits for its result.
                await Task.Delay(TimeSpan.FromMinutes(1), task.TimeProvider, CancellationToken.None);
            }

            return task.Task.Id == "bad" ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.Empty;
        });

        var late = await rig.DriveAsync(
            rig.DispatchAsync(Rig.NewTask() with { Id = "late", Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } }));
        var bad = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Id = "bad" }));
        await rig.Engine.StartAsync();
        var state = await rig.DriveAsync(
            rig.Engine.RunWorkflowAsync(
            new WorkflowDefinition { Name = "run", Tasks = [Rig.NewTask(), Rig.NewTask() with { Id = "bad", Optional = true }] }).AsTask());

        (late.Error!.Code, bad.Attempts, state.Status).Should().Be((ErrorCodes.AgentTimeout, 4, WorkflowStatus.Completed));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(2);
        await rig.Engine.StopAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        await rig.Coordinator.StopAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }

    private sealed class MarkedMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(new MeterOptions(options.Name) { Scope = this });

        public void Dispose()
        {
        }
    }
}
