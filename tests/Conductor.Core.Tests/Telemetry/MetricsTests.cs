using System.Diagnostics.Metrics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace Conductor.Tests.Telemetry;

public sealed class MetricsTests : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private MetricCollector<T> Collect<T>(string instrument)
        where T : struct => new(Meters, "Conductor.Core", instrument);

    private Task<Rig> StartAsync(ErrorHandlerOptions? errors = null) => Rig.StartAsync(new RigOptions { Meters = Meters, Errors = errors });

    [Fact]
    public async Task RunWorkflowAsync_Measured_GivesDurationsAndActives()
    {
        using var workflows = Collect<double>("gen_ai.workflow.duration");
        using var agents = Collect<double>("gen_ai.invoke_agent.duration");
        using var waits = Collect<double>("conductor.dispatch.wait_time");
        using var active = Collect<long>("conductor.workflow.active");
        using var registered = Collect<long>("conductor.agent.active");
        using var states = Collect<double>("conductor.state.operation.duration");
        await using (var rig = await StartAsync())
        {
            await rig.AddAllTypesAsync(_ => TaskData.Empty);
            var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding)).Build();
            await rig.Engine.RunWorkflowAsync(definition, new() { RunId = "secret-run-id" });
            registered.GetMeasurementSnapshot().Sum(measurement => measurement.Value).Should().Be(7);
        }

        workflows.GetMeasurementSnapshot().Single().Tags["gen_ai.workflow.name"].Should().Be("w");
        agents.GetMeasurementSnapshot().Single().Tags["conductor.agent.type"].Should().Be("coding");
        waits.GetMeasurementSnapshot().Should().ContainSingle();
        active.GetMeasurementSnapshot().Select(measurement => measurement.Value).Should().Equal(1, -1);
        registered.GetMeasurementSnapshot().Sum(measurement => measurement.Value).Should().Be(0);
        states.GetMeasurementSnapshot().Select(measurement => measurement.Tags["conductor.state.operation"]).Should()
            .Contain("commit_workflow").And.Contain("get_workflow_state");
    }

    /// <summary>Code that ignores its token may run for ever; its agent is registered no more.</summary>
    [Fact]
    public async Task Agents_AreReplacedWhileTheirCodeStillRuns_AreCountedAsTheyAreRegistered()
    {
        using var registered = Collect<long>("conductor.agent.active");
        using var attempts = Collect<double>("gen_ai.invoke_agent.duration");
        var never = new TaskCompletionSource<TaskData>();
        await using (var rig = await StartAsync())
        {
            await rig.Coordinator.RegisterAgentAsync(
                new AgentIdentity { Id = "a", Type = AgentType.Coding }, () => new LambdaAgent((_, _) => new ValueTask<TaskData>(never.Task)));
            for (var time = 0; time < 3; time++)
            {
                await rig.DriveAsync(rig.DispatchAsync(
                    Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 }, CircuitBreaker = new() { FailureThreshold = 99 } }));
            }

            await rig.DriveAsync(Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the last successor"));
            registered.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(1);
        }

        registered.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(0);
        never.SetResult(TaskData.Empty);
        await Rig.UntilAsync(() => attempts.GetMeasurementSnapshot().Count == 3, "the late ends");
        attempts.GetMeasurementSnapshot().Should().OnlyContain(
            static measurement => (string)measurement.Tags["error.type"]! == ErrorCodes.AgentTimeout, "that is what became of them");
        registered.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(0);
    }

    /// <summary>One run is one measurement, however many processes have it in turn.</summary>
    [Fact]
    public async Task RunWorkflowAsync_HandedOver_IsMeasuredWhenItEnds()
    {
        using var workflows = Collect<double>("gen_ai.workflow.duration");
        await using var processes = new Processes();
        var owner = await processes.StartAsync(meters: Meters);
        await owner.AddAsync(static async (task, token) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), task.TimeProvider, token);
            return TaskData.Empty;
        });
        var definition = new WorkflowDefinition { Name = "w", Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding }] };
        await owner.Engine.StartWorkflowAsync(definition, new() { RunId = "r" });
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");
        await owner.DriveAsync(owner.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask());
        workflows.GetMeasurementSnapshot().Should().BeEmpty("it is not over");

        var heir = await processes.StartAsync(meters: Meters);
        await heir.AddAsync(static _ => TaskData.Empty);
        heir.Time.Advance(TimeSpan.FromMinutes(10));
        await heir.DriveAsync(heir.Engine.RunWorkflowAsync(definition, new() { RunId = "r" }).AsTask());

        workflows.GetMeasurementSnapshot().Should().ContainSingle().Which.Value.Should().BeInRange(600, 900, "it took so long from its start");
    }

    [Fact]
    public async Task RunWorkflowAsync_ClockOfTheNextOwnerIsBehind_TookNoTimeRatherThanLessThanNone()
    {
        using var workflows = Collect<double>("gen_ai.workflow.duration");
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        owner.Time.Advance(TimeSpan.FromHours(1));
        await owner.AddAsync(StoreTrouble.Stuck);
        await owner.Engine.StartWorkflowAsync(StoreTrouble.One, StoreTrouble.Run);
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");
        await owner.Engine.StopAsync(new CancellationToken(canceled: true));

        var heir = await processes.StartAsync(meters: Meters);
        await heir.AddAsync(static _ => TaskData.Empty);
        var state = await heir.DriveAsync(heir.Engine.RunWorkflowAsync(StoreTrouble.One, StoreTrouble.Run).AsTask());

        state.CompletedAt.Should().BeBefore(state.StartedAt);
        state.Duration.Should().Be(TimeSpan.Zero);
        workflows.GetMeasurementSnapshot().Should().ContainSingle().Which.Value.Should().Be(0);
    }

    [Fact]
    public async Task DispatchTaskAsync_Failures_AreCountedByCodeNeverById()
    {
        using var retries = Collect<long>("conductor.retry.attempts");
        using var letters = Collect<long>("conductor.dead_letters");
        using var breakers = Collect<long>("conductor.circuit_breaker.status");
        using var policies = Collect<long>("conductor.policy.evaluations");
        using var durations = Collect<double>("gen_ai.invoke_agent.duration");
        await using var rig = await StartAsync(new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 4 } });
        await rig.AddAsync(_ => throw new AgentException(ErrorCodes.TransientError, "busy"), id: "secret-agent-id");

        await rig.DriveAsync(rig.DispatchAsync());

        retries.GetMeasurementSnapshot().Should()
            .HaveCount(3).And.OnlyContain(measurement => (string)measurement.Tags["conductor.error.code"]! == "TRANSIENT_ERROR");
        letters.GetMeasurementSnapshot().Should().ContainSingle();
        breakers.GetMeasurementSnapshot().GroupBy(measurement => measurement.Tags["conductor.circuit_breaker.state"])
            .ToDictionary(group => (string)group.Key!, group => group.Sum(measurement => measurement.Value)).Should()
                .Equal(new Dictionary<string, long> { ["closed"] = 0, ["open"] = 1 });
        policies.GetMeasurementSnapshot().Should().OnlyContain(measurement => (string)measurement.Tags["conductor.policy.decision"]! == "allowed");
        durations.GetMeasurementSnapshot().Should().OnlyContain(measurement => (string)measurement.Tags["error.type"]! == "TRANSIENT_ERROR");
        foreach (var tags in new[] { retries.GetMeasurementSnapshot(), letters.GetMeasurementSnapshot(), breakers.GetMeasurementSnapshot(),
            policies.GetMeasurementSnapshot() }
            .SelectMany(snapshot => snapshot.SelectMany(measurement => measurement.Tags)))
        {
            tags.Value.Should().NotBe("secret-agent-id");
        }
    }

    [Fact]
    public async Task CheckAsync_Denied_IsCountedAsDenied()
    {
        using var policies = Collect<long>("conductor.policy.evaluations");
        await using var rig = await StartAsync();

        await rig.Policies.CheckAsync(new GatePolicyContext { Phase = WorkflowPhase.Development, FailedTasks = 1 });

        policies.GetMeasurementSnapshot().Select(static measurement => measurement.Tags["conductor.policy.decision"]).Should().Equal("denied");
    }

    /// <summary>A breaker whose recovery time is over shows as half open, and is counted as open until its first trial.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_BreakerWasOpen_LeavesNoneCounted()
    {
        using var breakers = Collect<long>("conductor.circuit_breaker.status");
        await using var rig = await StartAsync(new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } });
        await rig.AddAsync(_ => throw new TimeoutException(), id: "a");
        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }));
        rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);

        await rig.Coordinator.UnregisterAgentAsync("a");

        breakers.GetMeasurementSnapshot().GroupBy(static measurement => measurement.Tags["conductor.circuit_breaker.state"])
            .Should().OnlyContain(static state => state.Sum(static measurement => measurement.Value) == 0);
    }

    [Fact]
    public async Task RemoveAgent_ItsBreakerOpensAtTheSameMoment_LeavesNoneCounted()
    {
        using var breakers = Collect<long>("conductor.circuit_breaker.status");
        await using var rig = await StartAsync(new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } });
        using var together = new Barrier(2);
        for (var round = 0; round < 20_000; round++)
        {
            var breaker = rig.Errors.GetCircuitBreaker("a");
            var failure = Task.Run(() =>
            {
                together.SignalAndWait();
                breaker.RecordFailure();
            });
            together.SignalAndWait();
            rig.Errors.RemoveAgent("a");
            await failure;
        }

        breakers.GetMeasurementSnapshot().GroupBy(static measurement => measurement.Tags["conductor.circuit_breaker.state"])
            .Should().OnlyContain(static state => state.Sum(static measurement => measurement.Value) == 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HandleErrorAsync_AgentsRegisteredNowhere_CountsNoMoreThanAreKept(bool isGiven)
    {
        using var breakers = Collect<long>("conductor.circuit_breaker.status");
        await using var rig = await StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "known");
        rig.Errors.GetCircuitBreaker("known");

        for (var i = 0; i < 3 * BreakerRegistry.MaxStrangers; i++)
        {
            if (isGiven)
            {
                rig.Errors.GetCircuitBreaker($"stranger-{i}");
            }
            else
            {
                await rig.Errors.HandleErrorAsync(
                    new TaskError { Code = "X", Message = "m" }, new ErrorContext { AgentId = $"stranger-{i}", AgentType = AgentType.Coding });
            }
        }

        breakers.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(BreakerRegistry.MaxStrangers + 1);
    }

    [Fact]
    public async Task RegisterAgentAsync_WasAStrangerWithABreaker_IsCountedOnce()
    {
        using var breakers = Collect<long>("conductor.circuit_breaker.status");
        await using var rig = await StartAsync();
        rig.Errors.GetCircuitBreaker("a").RecordFailure();

        await rig.AddAsync(_ => TaskData.Empty, id: "a");

        breakers.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(1);
        await rig.Coordinator.UnregisterAgentAsync("a");
        breakers.GetMeasurementSnapshot().Sum(static measurement => measurement.Value).Should().Be(0);
    }

    [Fact]
    public async Task Bus_Measured_CountsSentConsumedDroppedAndTimes()
    {
        using var sent = Collect<long>("messaging.client.sent.messages");
        using var consumed = Collect<long>("messaging.client.consumed.messages");
        using var dropped = Collect<long>("conductor.bus.message.dropped");
        using var durations = Collect<double>("messaging.process.duration");
        using var waits = Collect<double>("conductor.bus.queue.wait_time");
        await using var rig = await StartAsync();
        await rig.FollowAsync("mine");

        await rig.Bus.PublishAsync("mine", new AgentMessage { Type = MessageType.Control, Sender = "me" });
        await rig.Bus.PublishAsync("mine", new AgentMessage
        {
            Type = MessageType.Control, Sender = "me", TimeToLive = TimeSpan.FromSeconds(1), Timestamp = rig.Time.GetUtcNow() - TimeSpan.FromSeconds(2),
        });

        await Rig.UntilAsync(() => consumed.GetMeasurementSnapshot().Count == 1 && dropped.GetMeasurementSnapshot().Count == 1, "both to be dealt with");
        sent.GetMeasurementSnapshot().Should().HaveCount(2);
        dropped.GetMeasurementSnapshot().Single().Tags["reason"].Should().Be("expired");
        durations.GetMeasurementSnapshot().Should().ContainSingle();
        waits.GetMeasurementSnapshot().Should().ContainSingle();
    }

    [Fact]
    public async Task Queues_Observed_TellWhatWaits()
    {
        using var tasks = Collect<long>("conductor.dispatch.queue.task.count");
        using var messages = Collect<long>("conductor.bus.queue.message.count");
        await using var rig = await StartAsync();
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            started.TrySetResult();
            await release.Task;
            return TaskData.Empty;
        });
        var both = new[] { rig.DispatchAsync(), rig.DispatchAsync() };
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "one to wait");
        await started.Task;

        tasks.RecordObservableInstruments();
        messages.RecordObservableInstruments();
        tasks.LastMeasurement!.Value.Should().Be(1);
        messages.LastMeasurement!.Value.Should().Be(0);
        release.SetResult();
        await Task.WhenAll(both);
    }
}
