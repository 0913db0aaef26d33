using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class DispatchTests
{
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_IdleAgent_RunsItAndRecordsTheResult()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => TaskData.From($"Hello {task.Input.Get<string>()}"));
        var task = Rig.NewTask() with { Input = "Ada" };

        var result = await rig.DispatchAsync(task);

        result.Status.Should().Be(AgentTaskStatus.Completed);
        result.Output.Get<string>().Should().Be("Hello Ada");
        (result.AgentId, result.Attempts, result.TaskId).Should().Be(("agent-1", 1, task.Id));
        (await rig.State.GetTaskResultAsync(task.Id)).Should().Be(result);
    }

    [Fact]
    public async Task DispatchTaskAsync_EachAttempt_ShowsOneAssignmentAndOneResultWithOneCorrelation()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        await rig.FollowAsync(Channels.Agent("a"), Channels.Results(rig.Coordinator.Id));

        await rig.DispatchAsync();

        await Rig.UntilAsync(() => rig.Messages.Count == 2, "both messages");
        var messages = rig.Messages.Select(entry => entry.Message).ToList();
        messages.Select(message => message.Type).Should().BeEquivalentTo([MessageType.TaskAssignment, MessageType.TaskResult]);
        messages.Select(message => message.CorrelationId).Distinct().Should().ContainSingle().Which.Should().NotBeNull();
    }

    [Fact]
    public async Task DispatchTaskAsync_NoAgentType_IsRefused()
    {
        await using var rig = await Rig.StartAsync();

        (await FluentActions.Awaiting(() => rig.DispatchAsync(new TaskDefinition { AgentType = default })).Should().ThrowAsync<NoAgentTypeException>())
            .Which.ErrorCode.Should().Be("NO_AGENT_TYPE");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(86_401)]
    public async Task DispatchTaskAsync_TimeoutOutOfBounds_IsRefused(int seconds)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty);

        (await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(seconds) }))
            .Should().ThrowAsync<TaskValidationException>()).Which.Message.Should().Contain("Timeout is");
    }

    [Fact]
    public async Task DispatchTaskAsync_SeveralThingsWrong_NamesThemAll()
    {
        await using var rig = await Rig.StartAsync();
        var task = Rig.NewTask() with
        {
            Id = " ",
            Deadline = TimeSpan.Zero,
            Priority = (TaskPriority)9,
            Phase = default(WorkflowPhase),
            Retry = new RetrySettings { MaxRetries = 21 },
            CircuitBreaker = new CircuitBreakerSettings { FailureThreshold = 0 },
        };

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync(task)).Should().ThrowAsync<TaskValidationException>();

        thrown.Which.Message.Should()
            .ContainAll("Id is empty", "Deadline is", "Priority is", "Phase is nameless", "Retry.MaxRetries is 21", "CircuitBreaker.FailureThreshold is 0");
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_UnknownType_FailsAtOnceNamingTheKnownOnes()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, AgentType.Review);
        await rig.AddAsync(_ => TaskData.Empty, AgentType.Coding);

        (await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask(new AgentType("translator")))).Should().ThrowAsync<NoAvailableAgentException>())
            .Which.Message.Should()
                .Be("No agent of type 'translator' is registered. Registered types: coding, review. Register one: AddAgent<T>(new AgentType(\"translator\")).");
    }

    [Fact]
    public async Task DispatchTaskAsync_SameIdAgain_GivesTheRecordedResultWithoutRunning()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs));
        var task = Rig.NewTask();

        var first = await rig.DispatchAsync(task);
        var second = await rig.DispatchAsync(task);

        second.Should().Be(first);
        runs.Should().Be(1);
    }

    [Fact]
    public async Task DispatchTaskAsync_SameIdAtOnce_EverybodySeesTheOneThatWasRecorded()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        for (var i = 0; i < 4; i++)
        {
            await rig.AddAsync(async (_, _) =>
            {
                await Task.Yield();
                return TaskData.From(Interlocked.Increment(ref runs));
            });
        }

        var task = Rig.NewTask();
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => rig.DispatchAsync(task)));

        var recorded = await rig.State.GetTaskResultAsync(task.Id);
        results.Should().OnlyContain(result => result == recorded);
    }

    [Fact]
    public async Task DispatchTaskAsync_BeforeStart_SaysSo()
    {
        await using var rig = await Rig.StartAsync();
        await using var coordinator = new AgentCoordinator(rig.Bus, rig.State, rig.Policies, rig.Errors);

        (await FluentActions.Awaiting(() => coordinator.DispatchTaskAsync(Rig.NewTask()).AsTask()).Should().ThrowAsync<InvalidOperationException>())
            .Which.Message.Should().Contain("not started");
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_CallerCancels_IsNoFailureAndNotRetried()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        var runs = 0;
        await rig.AddAsync(async (_, token) =>
        {
            runs++;
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await started.Task;
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to be free");
        runs.Should().Be(1);
        rig.Errors.GetCircuitBreaker("agent-1").ConsecutiveFailures.Should().Be(0);
        var state = await rig.Coordinator.GetAgentStatusAsync("agent-1");
        (state!.FailedTasks, state.ErrorCount, state.CompletedTasks).Should().Be((0, 0, 0));
        rig.Coordinator.RunningTasks.Should().Be(0);
    }

    [Fact]
    public async Task DispatchTaskAsync_AlreadyCancelled_RunsNothing()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw new InvalidOperationException("must not run"));

        await FluentActions.Awaiting(() => rig.DispatchAsync(cancellationToken: new CancellationToken(true))).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task DispatchAsync_ShortForm_GivesOutputOrThrows()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => task.Input.Get<string>() == "bad" ? throw new InvalidOperationException("no") : TaskData.From(7));

        (await rig.Coordinator.DispatchAsync<int>(AgentType.Coding, "good")).Should().Be(7);
        (await FluentActions.Awaiting(() => rig.Coordinator.DispatchAsync<int>(AgentType.Coding, "bad").AsTask()).Should().ThrowAsync<TaskFailedException>())
            .Which.Result.Error!.Code.Should().Be("UNKNOWN_ERROR");
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_CandidateRefused_TriesAnotherIdleOne()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new OnlyAgentPolicy("a")] });
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        await rig.AddAsync(_ => TaskData.Empty, id: "b");
        await rig.AddAsync(_ => TaskData.Empty, id: "c");

        (await rig.DispatchAsync()).AgentId.Should().Be("a");
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().HaveCount(3);
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_EveryCandidateRefused_ThrowsTheRefusal()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new OnlyAgentPolicy("nobody")] });
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        await rig.AddAsync(_ => TaskData.Empty, id: "b");

        (await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<PolicyViolationException>()).Which.PolicyName.Should().Be("only_agent");
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().HaveCount(2);
        rig.Coordinator.RunningTasks.Should().Be(0);
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_TaskRefused_EndsTheSearchAtOnce()
    {
        var policy = new CountingDenial();
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [policy] });
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        await rig.AddAsync(_ => TaskData.Empty, id: "b");

        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<PolicyViolationException>();
        policy.Calls.Should().Be(1);
        (await rig.State.ListDeadLettersAsync()).Items.Should().BeEmpty();
    }

    [Fact]
    public async Task DispatchTaskAsync_CandidateRefusedWhileOthersAreBusy_WaitsForOneOfThem()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new OnlyAgentPolicy("a")] });
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        }, id: "a");
        await rig.AddAsync(_ => TaskData.Empty, id: "b");
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "a to be busy");
        var second = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        release.SetResult();

        (await first).AgentId.Should().Be("a");
        (await second).AgentId.Should().Be("a");
    }

    [Fact]
    public async Task DispatchTaskAsync_RequestOverTheBus_CarriesTheTraceOfTheCallersContext()
    {
        await using var rig = await Rig.StartAsync();
        var ambient = new AsyncLocal<string?>();
        string? seen = "unset";
        await rig.AddAsync(_ =>
        {
            seen = ambient.Value;
            return TaskData.Empty;
        });
        ambient.Value = "the caller's";
        await rig.DispatchAsync();

        seen.Should().BeNull("the handlers' loop must not inherit a publisher's async locals");
    }

    [Fact]
    public async Task Completed_AgentState_IsCountedAndSavedInTheBackground()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => task.Input.Get<string>() == "bad" ? throw new InvalidOperationException("no") : TaskData.Empty, id: "a");
        await rig.DispatchAsync(Rig.NewTask() with { Input = "good" });
        await rig.DispatchAsync(Rig.NewTask() with { Input = "bad" });

        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to be free");
        var live = await rig.Coordinator.GetAgentStatusAsync("a");
        (live!.Status, live.CompletedTasks, live.FailedTasks, live.ErrorCount, live.CurrentTaskId).Should().Be((AgentStatus.Idle, 1, 1, 1, null));
        live.SuccessRate.Should().Be(0.5);

        await Rig.SettleAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(2));
        await Rig.UntilAsync(() => rig.State.GetAgentStateAsync("a").AsTask().GetAwaiter().GetResult()?.CompletedTasks == 1, "the saved snapshot");
        (await rig.Coordinator.GetAgentStatusAsync("nobody")).Should().BeNull();
    }

    private sealed class OnlyAgentPolicy(string agentId) : Policy<DispatchPolicyContext>
    {
        public override string Name => "only_agent";

        public override string Description => agentId;

        public override PolicyTarget Target => PolicyTarget.Candidate;

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Candidate!.Id == agentId ? Allowed : Denied($"not {agentId}"));
    }
}
