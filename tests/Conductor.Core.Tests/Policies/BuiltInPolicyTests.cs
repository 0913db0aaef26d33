using Conductor.Policies;

namespace Conductor.Tests.Policies;

public sealed class BuiltInPolicyTests
{
    private static readonly AgentIdentity _agent = new() { Id = "a", Type = AgentType.Coding };

    [Fact]
    public void Context_Copied_SaysTheSame()
    {
        var context = Dispatch() with { WorkflowId = "w", Round = 3, Candidate = _agent, Properties = new Dictionary<string, TaskData> { ["a"] = "b" } };

        (context with { }).Should().Be(context);
        (context with { Attempt = 9 }).Should().NotBe(context);
    }

    private static DispatchPolicyContext Dispatch(int running = 0, TimeSpan? timeout = null) => new()
    {
        Task = new TaskDefinition { AgentType = AgentType.Coding, Timeout = timeout ?? TaskDefinition.DefaultTimeout },
        RunningTasks = running,
    };

    private static GatePolicyContext Gate(int completed, int failed, int skipped = 0) =>
        new() { Phase = WorkflowPhase.DevOps, CompletedTasks = completed, FailedTasks = failed, SkippedTasks = skipped };

    [Theory]
    [InlineData(5, 4, true)]
    [InlineData(5, 5, false)]
    [InlineData(1, 0, true)]
    [InlineData(0, 0, false)]
    public async Task MaxConcurrentTasks_CountsThoseAdmittedBefore(int limit, int running, bool allowed)
    {
        var result = await new MaxConcurrentTasksPolicy(limit).EvaluateAsync(Dispatch(running));

        result.Allowed.Should().Be(allowed);
        result.PolicyName.Should().Be("max_concurrent_tasks");
    }

    [Fact]
    public async Task MaxConcurrentTasks_Denial_IsTransientUnlessTheLimitIsZero()
    {
        (await new MaxConcurrentTasksPolicy(2).EvaluateAsync(Dispatch(2))).Should().BeEquivalentTo(
            PolicyResult.Deny("max_concurrent_tasks", "2 task(s) run already, and 2 is the limit.", isTransient: true));
        (await new MaxConcurrentTasksPolicy(0).EvaluateAsync(Dispatch())).IsTransient.Should().BeFalse();
    }

    [Fact]
    public void MaxConcurrentTasks_Constructor_HasFiveAndRefusesLessThanZero()
    {
        new MaxConcurrentTasksPolicy().MaxTasks.Should().Be(5);
        FluentActions.Invoking(() => new MaxConcurrentTasksPolicy(-1)).Should().Throw<ArgumentOutOfRangeException>();
        new MaxConcurrentTasksPolicy(3).Description.Should().Be("At most 3 task(s) run at once.");
        new MaxConcurrentTasksPolicy().Target.Should().Be(PolicyTarget.Task);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    [InlineData(1, true)]
    [InlineData(3600, true)]
    [InlineData(3601, false)]
    public async Task TaskTimeout_Bounds_AreOverZeroAndInclusive(int seconds, bool allowed)
    {
        var policy = new TaskTimeoutPolicy(TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));

        var result = await policy.EvaluateAsync(Dispatch(timeout: TimeSpan.FromSeconds(seconds)));

        result.Allowed.Should().Be(allowed);
        if (!allowed)
        {
            result.IsTransient.Should().BeFalse();
            result.Reason.Should()
                .Be($"the task's timeout is {TimeSpan.FromSeconds(seconds)}; it must be over zero and at most 01:00:00 (unset, it is 00:01:00).");
        }
    }

    [Fact]
    public void TaskTimeout_Constructor_HasTheDecidedNumbersAndChecksBounds()
    {
        var policy = new TaskTimeoutPolicy();
        (policy.DefaultTimeout, policy.MaxTimeout).Should().Be((TimeSpan.FromMinutes(2), TimeSpan.FromHours(24)));
        policy.Name.Should().Be("task_timeout");
        policy.Description.Should().Contain("1.00:00:00");
        new TaskTimeoutPolicy(maxTimeout: TimeSpan.FromMinutes(1)).DefaultTimeout.Should().Be(TimeSpan.FromMinutes(1));
        FluentActions.Invoking(() => new TaskTimeoutPolicy(maxTimeout: TimeSpan.Zero)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new TaskTimeoutPolicy(TimeSpan.Zero)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new TaskTimeoutPolicy(TimeSpan.FromHours(2), TimeSpan.FromHours(1))).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new TaskTimeoutPolicy(maxTimeout: TimeSpan.FromHours(25))).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new TaskTimeoutPolicy(TimeSpan.FromHours(1), TimeSpan.FromHours(1))).Should().NotThrow();
        FluentActions.Invoking(() => new TaskTimeoutPolicy(maxTimeout: TimeSpan.FromHours(24))).Should().NotThrow();
    }

    [Fact]
    public void TaskTimeout_Constructor_NamesTheArgumentThatWasGiven()
    {
        FluentActions.Invoking(() => new TaskTimeoutPolicy(TimeSpan.FromHours(25))).Should().Throw<ArgumentOutOfRangeException>()
            .WithParameterName("defaultTimeout");
        FluentActions.Invoking(() => new TaskTimeoutPolicy(maxTimeout: TimeSpan.FromSeconds(-1))).Should().Throw<ArgumentOutOfRangeException>()
            .WithParameterName("maxTimeout");
        FluentActions.Invoking(() => new TaskTimeoutPolicy(maxTimeout: TimeSpan.FromHours(25))).Should().Throw<ArgumentOutOfRangeException>()
            .WithParameterName("maxTimeout");
        FluentActions.Invoking(() => new TaskTimeoutPolicy(TimeSpan.FromHours(5), TimeSpan.FromHours(1))).Should()
            .Throw<ArgumentOutOfRangeException>().WithParameterName("maxTimeout");
    }

    [Theory]
    [InlineData(AgentStatus.Idle, true)]
    [InlineData(AgentStatus.Running, false)]
    [InlineData(AgentStatus.Waiting, false)]
    [InlineData(AgentStatus.Failed, false)]
    [InlineData(AgentStatus.Stopped, false)]
    public async Task AgentAvailability_OnlyIdleAgents(AgentStatus status, bool allowed)
    {
        var result = await new AgentAvailabilityPolicy().EvaluateAsync(Dispatch() with { Candidate = _agent, CandidateStatus = status });

        result.Allowed.Should().Be(allowed);
        result.Reason.Should().Be(allowed ? "" : $"agent 'a' is {status}, not idle.");
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task AgentAvailability_WithoutCandidate_LooksAtTheIdleOnes(int available, bool allowed)
    {
        var policy = new AgentAvailabilityPolicy();
        var result = await policy.EvaluateAsync(Dispatch() with { AvailableAgents = available });

        result.Allowed.Should().Be(allowed);
        result.Reason.Should().Be(allowed ? "" : "no agent of type 'coding' is idle.");
        (policy.Name, policy.Description, policy.Target).Should().Be(("agent_availability", "Only an idle agent is given a task.", PolicyTarget.Candidate));
    }

    [Theory]
    [InlineData(1.0, 3, 0, true)]
    [InlineData(1.0, 2, 1, false)]
    [InlineData(0.5, 1, 1, true)]
    [InlineData(0.51, 1, 1, false)]
    [InlineData(0.0, 0, 3, true)]
    [InlineData(1.0, 0, 0, true)]
    public async Task PhaseGate_Rate_IsInclusiveAndOfThatPhaseAlone(double rate, int completed, int failed, bool allowed) =>
        (await new PhaseGatePolicy(rate).EvaluateAsync(Gate(completed, failed, skipped: 7))).Allowed.Should().Be(allowed);

    [Fact]
    public async Task PhaseGate_Denial_NamesPhaseCountsAndRate()
    {
        var policy = new PhaseGatePolicy();
        policy.MinSuccessRate.Should().Be(1);
        (await policy.EvaluateAsync(Gate(1, 3))).Reason.Should().Be("phase 'devops' completed 1 of 4 task(s), a rate of 0.25; 1 is required.");
        policy.Name.Should().Be("phase_gate");
        policy.Description.Should().Contain("100");
    }

    [Theory]
    [InlineData(-0.01)]
    [InlineData(1.01)]
    [InlineData(double.NaN)]
    public void PhaseGate_RateOutOfRange_IsRefused(double rate) =>
        FluentActions.Invoking(() => new PhaseGatePolicy(rate)).Should().Throw<ArgumentOutOfRangeException>();

    [Fact]
    public async Task EvaluateAsync_Null_IsRefused()
    {
        foreach (var policy in new Policy[] { new MaxConcurrentTasksPolicy(), new TaskTimeoutPolicy(), new AgentAvailabilityPolicy(), new PhaseGatePolicy() })
        {
            await FluentActions.Awaiting(() => policy.EvaluateAsync(null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("context");
        }
    }

    [Fact]
    public async Task EvaluateAsync_Allowing_GivesOneObjectForAll()
    {
        var policy = new MaxConcurrentTasksPolicy(2);

        (await policy.EvaluateAsync(Dispatch())).Should().BeSameAs(await policy.EvaluateAsync(Dispatch()));
        (await policy.EvaluateAsync(Gate(1, 0))).Should().BeSameAs(await policy.EvaluateAsync(Gate(1, 0)));
        PolicyResult.Allow("x").Reason.Should().BeEmpty();
        new PolicyResult { Allowed = true, PolicyName = "x" }.Reason.Should().BeEmpty();
    }

    [Fact]
    public async Task Policy_OtherKindOfAction_AllowsIt()
    {
        (await new PhaseGatePolicy().EvaluateAsync(Dispatch())).Allowed.Should().BeTrue();
        (await new MaxConcurrentTasksPolicy(0).EvaluateAsync(Gate(0, 9))).Should().BeEquivalentTo(
            PolicyResult.Allow("max_concurrent_tasks", "This kind of action is not its concern."));
        new PhaseGatePolicy().Judges(Dispatch()).Should().BeFalse();
        new PhaseGatePolicy().Judges(Gate(1, 1)).Should().BeTrue();
    }

    [Fact]
    public void PolicyOptions_OutOfRange_QuoteSettingValueAndFix()
    {
        new PolicyOptions().Problems("P").Should().BeEmpty();
        new PolicyOptions { MinPhaseSuccessRate = 0, MaxConcurrentTasks = 0, MaxTaskTimeout = TimeSpan.FromHours(24) }.Problems("P").Should().BeEmpty();
        new PolicyOptions { MinPhaseSuccessRate = 1.5, MaxConcurrentTasks = -1, MaxTaskTimeout = TimeSpan.FromHours(25) }.Problems("P").Should().Equal(
            "P.MinPhaseSuccessRate is 1.5; set it to 0 to 1.",
            "P.MaxTaskTimeout is 1.01:00:00; set it over zero and to at most 1.00:00:00.",
            "P.MaxConcurrentTasks is -1; set it to 0 or more, or leave it out for no limit.");
        new PolicyOptions { MaxTaskTimeout = TimeSpan.Zero }.Problems("P").Should().HaveCount(1);
    }
}
