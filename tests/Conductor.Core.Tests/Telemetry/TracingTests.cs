using System.Collections.Concurrent;
using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Telemetry;

public sealed class TracingTests : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly Activity _root = new("test");
    private readonly ActivityListener _listener;

    public TracingTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ConductorTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.TraceId == _root.TraceId)
                {
                    _ended.Enqueue(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
        _root.Start();
    }

    public void Dispose()
    {
        _root.Dispose();
        _listener.Dispose();
    }

    private async Task<Activity> SpanAsync(string name)
    {
        await Rig.UntilAsync(() => _ended.Any(activity => activity.DisplayName == name),
            $"span '{name}' among {string.Join(", ", _ended.Select(activity => activity.DisplayName))}");
        return _ended.First(activity => activity.DisplayName == name);
    }

    [Fact]
    public async Task RunWorkflowAsync_Listening_GivesOneTraceOfEverySpan()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        var definition = WorkflowDefinition.Create("release").Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding)).Build();

        var state = await rig.Engine.RunWorkflowAsync(definition, new() { RunId = "r" });

        var workflow = await SpanAsync("invoke_workflow release");
        (workflow.Kind, workflow.GetTagItem("gen_ai.operation.name"), workflow.GetTagItem("gen_ai.workflow.name"), workflow.GetTagItem("conductor.workflow.id"))
            .Should().Be((ActivityKind.Internal, "invoke_workflow", "release", "r"));
        var step = await SpanAsync("execute_step code");
        (step.ParentSpanId, step.GetTagItem("conductor.task.id"), step.GetTagItem("conductor.phase")).Should().Be((workflow.SpanId, "code", "development"));
        var agent = await SpanAsync("invoke_agent coding");
        (agent.ParentSpanId, agent.GetTagItem("gen_ai.provider.name"), agent.GetTagItem("gen_ai.agent.id"), agent.GetTagItem("conductor.attempt"))
            .Should().Be((step.SpanId, "conductor", "coding", 1));
        state.Status.Should().Be(WorkflowStatus.Completed);
        _ended.Select(activity => activity.DisplayName).Where(name => name.Contains(":agent:") || name.Contains(":results:"))
            .Should().BeEmpty("what is handed over within the process is no message");
        _ended.Should().OnlyContain(
            activity => activity.Source.Version == ConductorTelemetry.Version && activity.Source.TelemetrySchemaUrl == ConductorTelemetry.SchemaUrl);
    }

    [Fact]
    public async Task DispatchTaskAsync_OverABusThatCarriesMessages_TracesThemWithinTheStep()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = environment => new RecordingMessageBus(environment) });
        await rig.AddAsync(_ => TaskData.Empty, id: "coding");

        await rig.DispatchAsync(Rig.NewTask() with { Name = "code" });

        var step = await SpanAsync("execute_step code");
        var send = await SpanAsync("send conductor:agent:{id}");
        (send.Kind, send.ParentSpanId, send.GetTagItem("messaging.system"), send.GetTagItem("messaging.destination.template"))
            .Should().Be((ActivityKind.Producer, step.SpanId, "conductor", "conductor:agent:{id}"));
        var process = await SpanAsync("process conductor:agent:{id}");
        (process.Kind, process.ParentSpanId).Should().Be((ActivityKind.Consumer, send.SpanId));
        process.Links.Single().Context.SpanId.Should().Be(send.SpanId);
        (await SpanAsync("invoke_agent coding")).ParentSpanId.Should().Be(process.SpanId);
        (await SpanAsync("process conductor:results:{id}")).ParentSpanId.Should().Be((await SpanAsync("send conductor:results:{id}")).SpanId);
    }

    [Fact]
    public async Task PublishAsync_BusThatFails_SaysSoInTheSpan()
    {
        await using var bus = new TroubledBus(new ConductorEnvironment()) { Fails = static _ => new IOException("no server") };
        await bus.ConnectAsync();

        await FluentActions.Awaiting(() => bus.PublishAsync("mine", new AgentMessage { Type = MessageType.Control, Sender = "me" }).AsTask())
            .Should().ThrowAsync<IOException>();

        var send = await SpanAsync("send mine");
        (send.Status, send.StatusDescription, send.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "no server", typeof(IOException).FullName));
    }

    [Fact]
    public async Task DispatchTaskAsync_SomebodyFollowsTheAgentsChannel_TracesTheMessageMadeForThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        await rig.FollowAsync(Channels.Agent("a"));

        await rig.DispatchAsync(Rig.NewTask() with { Name = "job" });

        var step = await SpanAsync("execute_step job");
        var send = await SpanAsync("send conductor:agent:{id}");
        send.ParentSpanId.Should().Be(step.SpanId);
        (await SpanAsync("process conductor:agent:{id}")).ParentSpanId.Should().Be(send.SpanId);
        (await SpanAsync("invoke_agent a")).ParentSpanId.Should().Be(step.SpanId);
        rig.Messages.Single().Message.Headers.Should().ContainKey(MessageHeaders.TraceParent);
    }

    /// <summary>The trace context stands among the headers like any other, for whoever carries messages elsewhere.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("vendor=1")]
    public async Task PublishAsync_Traced_HeadersHaveTheContextBesideTheSendersOwn(string? traceState)
    {
        _root.TraceStateString = traceState;
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync("mine");
        var sent = new AgentMessage
        {
            Type = MessageType.Control,
            Sender = "me",
            Headers = new Dictionary<string, string> { ["tenant"] = "blue", [MessageHeaders.TraceParent] = "00-old" },
        };

        await rig.Bus.PublishAsync("mine", sent);

        await Rig.UntilAsync(() => !rig.Messages.IsEmpty, "the message");
        var headers = rig.Messages.Single().Message.Headers;
        var send = await SpanAsync("send mine");
        var expected = new Dictionary<string, string> { ["tenant"] = "blue", [MessageHeaders.TraceParent] = $"00-{send.TraceId}-{send.SpanId}-01" };
        if (traceState is not null)
        {
            expected[MessageHeaders.TraceState] = traceState;
        }

        headers.ToDictionary().Should().Equal(expected);
        (headers.Count, headers.ContainsKey("tenant"), headers.ContainsKey("none"), headers["tenant"]).Should().Be((expected.Count, true, false, "blue"));
        headers.Keys.Should().BeEquivalentTo(expected.Keys);
        headers.Values.Should().BeEquivalentTo(expected.Values);
        FluentActions.Invoking(() => headers["none"]).Should().Throw<KeyNotFoundException>().WithMessage("*'none'*");
    }

    [Fact]
    public async Task DispatchTaskAsync_TriedAgain_GivesOneSpanOfTheAgentPerAttempt()
    {
        await using var rig = await Rig.StartAsync();
        var attempts = 0;
        await rig.AddAsync(_ => ++attempts == 1 ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.Empty, id: "a");

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Name = "job" }));

        var step = await SpanAsync("execute_step job");
        var agents = _ended.Where(activity => activity.DisplayName == "invoke_agent a").ToList();
        agents.Select(activity => activity.GetTagItem("conductor.attempt")).Should().Equal(1, 2);
        step.GetTagItem("conductor.attempt").Should().Be(2);
        agents.Should().OnlyContain(activity => activity.ParentSpanId == step.SpanId);
    }

    [Fact]
    public async Task DispatchTaskAsync_Fails_MarksSpansAndTellsTheDecision()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw new InvalidOperationException("bug"), id: "a");

        await rig.DispatchAsync(Rig.NewTask() with { Name = "job" });

        var step = await SpanAsync("execute_step job");
        (step.Status, step.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "UNKNOWN_ERROR"));
        step.Events.Select(happening => happening.Name).Should().Contain("conductor.escalate");
        (await SpanAsync("invoke_agent a")).Status.Should().Be(ActivityStatusCode.Error);
    }

    [Fact]
    public async Task DispatchTaskAsync_ResultCannotBeRecorded_MarksTheSpan()
    {
        TroubledStateManager store = null!;
        await using var rig = await Rig.StartAsync(new RigOptions { State = environment => store = new(new InMemoryStateManager(environment)) });
        store.Trouble["SaveTaskResultAsync"] = () => throw new StateException(ErrorCodes.StateCorrupt, "damaged") { IsTransient = false };
        await rig.AddAsync(_ => TaskData.Empty);

        await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask() with { Name = "job" })).Should().ThrowAsync<StateException>();

        var step = await SpanAsync("execute_step job");
        (step.Status, step.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "STATE_CORRUPT"));
    }

    [Fact]
    public async Task DispatchTaskAsync_AttemptEndsAtItsTimeLimit_MarksTheAgentsSpan()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StoreTrouble.Stuck, id: "a");

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } }));

        var span = await SpanAsync("invoke_agent a");
        (span.Status, span.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "AGENT_TIMEOUT"));
    }

    [Fact]
    public async Task DispatchTaskAsync_AssignmentIsNeverPublished_MarksTheSpan()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });
        await rig.AddAsync(static _ => TaskData.Empty);
        ((TroubledBus)rig.Bus).Fails = static message => message.Type == MessageType.TaskAssignment ? new InvalidOperationException("refused") : null;

        await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask() with { Name = "job" })).Should().ThrowAsync<InvalidOperationException>();

        var step = await SpanAsync("execute_step job");
        (step.Status, step.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "UNKNOWN_ERROR"));
    }

    [Fact]
    public async Task DispatchTaskAsync_CancelledInALaterAttempt_SaysHowManyThereWere()
    {
        await using var rig = await Rig.StartAsync();
        var attempts = 0;
        await rig.AddAsync(
            (task, token) => ++attempts < 3 ? throw new AgentException(ErrorCodes.TransientError, "busy") : StoreTrouble.Stuck(task, token));
        using var cancellation = new CancellationTokenSource();
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Name = "job" }, cancellation.Token);
        await rig.DriveAsync(Rig.UntilAsync(() => attempts == 3, "the last attempt"));

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
        var step = await SpanAsync("execute_step job");
        (step.GetTagItem("conductor.attempt"), step.Status).Should().Be((3, ActivityStatusCode.Unset));
    }

    /// <summary>They did not fail: their next owner begins them.</summary>
    [Fact]
    public async Task StopAsync_TasksOfARunWait_MarksNoSpanOfThem()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("w").Phase(
            WorkflowPhase.Development,
            static phase =>
            {
                phase.Task("one", AgentType.Coding);
                phase.Task("two", AgentType.Coding);
            }).Build();
        await rig.Engine.StartWorkflowAsync(definition);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "one of them to wait");

        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.UntilAsync(() => _ended.Any(static span => span.DisplayName.StartsWith("execute_step", StringComparison.Ordinal)), "its span");
        release.SetResult();
        await stop.WaitAsync(TimeSpan.FromSeconds(20));

        _ended.Where(static span => span.DisplayName.StartsWith("execute_step", StringComparison.Ordinal)).Should().HaveCount(2)
            .And.OnlyContain(static span => span.Status == ActivityStatusCode.Unset);
    }

    [Fact]
    public async Task DispatchTaskAsync_DenialAndOpenBreaker_AreEventsOfTheStep()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new() { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.AddAsync(_ => throw new InvalidOperationException("bug"), id: "a");
        await rig.DispatchAsync(Rig.NewTask() with { Name = "opens" });
        rig.Errors.ResetCircuitBreaker("a");
        rig.Policies.RegisterPolicy(new Conductor.Policies.MaxConcurrentTasksPolicy(0));
        await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask() with { Name = "denied" })).Should().ThrowAsync<PolicyViolationException>();

        (await SpanAsync("execute_step opens")).Events.Select(happening => happening.Name).Should()
            .Contain("conductor.circuit_breaker.open").And.Contain("conductor.dead_letter");
        (await SpanAsync("execute_step denied")).Events.Select(happening => happening.Name).Should().Contain("conductor.policy.denied");
    }

    [Fact]
    public async Task DispatchTaskAsync_Cancelled_IsNoError()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        await rig.AddAsync(async (_, token) =>
        {
            await cancellation.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        }, id: "a");

        await FluentActions.Awaiting(() => rig.DispatchAsync(cancellationToken: cancellation.Token)).Should().ThrowAsync<OperationCanceledException>();

        (await SpanAsync("invoke_agent a")).Status.Should().Be(ActivityStatusCode.Unset);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DispatchTaskAsync_SensitiveData_IsRecordedOnlyWhenSwitchedOn(bool switchedOn)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { RecordSensitiveData = switchedOn });
        await rig.AddAsync(_ => TaskData.From("secret out"), id: "a");

        var task = Rig.NewTask() with { Input = "secret in" };
        await rig.DispatchAsync(task);

        var span = await SpanAsync("invoke_agent a");
        (span.GetTagItem("conductor.task.input"), span.GetTagItem("conductor.task.output")).Should()
            .Be(switchedOn ? ("secret in", "secret out") : (null, null));
        await SpanAsync($"execute_step {task.Name}");
        _ended.SelectMany(activity => activity.TagObjects).Any(tag => tag.Value is string text && text.Contains("secret")).Should().Be(switchedOn);
    }

    [Fact]
    public async Task DispatchTaskAsync_DataThatCannotBeWrittenDown_IsTracedAsThat()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { RecordSensitiveData = true });
        await rig.AddAsync(_ => TaskData.From("out"), id: "a");

        var result = await rig.DispatchAsync(Rig.NewTask() with { Input = TaskData.From(new Unwritable()) });

        result.IsSuccess.Should().BeTrue();
        (await SpanAsync("invoke_agent a")).GetTagItem("conductor.task.input").Should().BeOfType<string>().Which.Should().Contain("NotSupportedException");
    }

    [Fact]
    public async Task PublishAsync_NobodyListens_AddsNoHeaders()
    {
        _listener.Dispose();
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync("mine");
        await rig.Bus.PublishAsync("mine", new AgentMessage { Type = MessageType.Control, Sender = "me" });

        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the message");
        rig.Messages.Single().Message.Timestamp.Should().Be(rig.Time.GetUtcNow());
    }

    private sealed class Unwritable
    {
        public override string ToString() => throw new NotSupportedException("unwritable");
    }
}
