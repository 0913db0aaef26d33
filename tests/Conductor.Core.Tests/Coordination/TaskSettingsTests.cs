using Conductor.Errors;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Coordination;

/// <summary>Settings of a single task: what they are merged into, and that all of them count.</summary>
public sealed class TaskSettingsTests
{
    private static readonly ErrorHandlerOptions _opensAtOnce = new() { CircuitBreaker = { FailureThreshold = 1 } };

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_SuccessThresholdOfTheTask_ClosesTheBreaker()
    {
        await using var rig = await BrokenOffAsync(_ => TaskData.Empty);

        await rig.DispatchAsync(Rig.NewTask() with { CircuitBreaker = new CircuitBreakerSettings { SuccessThreshold = 1 } });

        rig.Errors.GetCircuitBreaker("agent-1").State.Should()
            .Be(CircuitBreakerState.Closed, "the agent's own setting asks for two successes, the task's for one");
    }

    [Fact]
    public async Task DispatchTaskAsync_HigherSuccessThresholdOfTheTask_LeavesTheBreakerHalfOpen()
    {
        await using var rig = await BrokenOffAsync(_ => TaskData.Empty);
        var strict = Rig.NewTask() with { CircuitBreaker = new CircuitBreakerSettings { SuccessThreshold = 3 } };

        await rig.DispatchAsync(strict);
        await rig.DispatchAsync(strict with { Id = "second" });

        rig.Errors.GetCircuitBreaker("agent-1").State.Should().Be(CircuitBreakerState.HalfOpen);
        await rig.DispatchAsync(strict with { Id = "third" });
        rig.Errors.GetCircuitBreaker("agent-1").State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public async Task DispatchTaskAsync_HalfOpenTrialsOfTheTask_LetItInBesideAnotherTrial()
    {
        await using var rig = await BrokenOffAsync(_ => TaskData.Empty);
        using var trial = rig.Errors.GetCircuitBreaker("agent-1").TryAcquire();

        var result = await rig.DispatchAsync(Rig.NewTask() with { CircuitBreaker = new CircuitBreakerSettings { HalfOpenTrials = 2 } });

        result.IsSuccess.Should().BeTrue("the task allows two trials at once");
    }

    [Fact]
    public async Task DispatchTaskAsync_HalfOpenTrialsOfTheTaskThatWaits_LetItInBesideAnotherTrial()
    {
        using var gate = new SemaphoreSlim(0);
        await using var rig = await BrokenOffAsync(task =>
        {
            gate.Wait();
            return TaskData.Empty;
        });
        var first = rig.DispatchAsync();
        var second = rig.DispatchAsync(Rig.NewTask() with { CircuitBreaker = new CircuitBreakerSettings { HalfOpenTrials = 2 } });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        using var trial = rig.Errors.GetCircuitBreaker("agent-1").TryAcquire();
        trial.Should().BeNull("the breaker's own setting allows one");

        gate.Release(2);

        (await first).IsSuccess.Should().BeTrue();
        (await second).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task DispatchTaskAsync_InitialDelayThatTheHandlersPolicyAllows_IsAccepted()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = new RetryPolicy { MaxDelay = TimeSpan.FromMinutes(10) } });
        await rig.AddAsync(_ => TaskData.Empty);

        var result = await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { InitialDelay = TimeSpan.FromMinutes(2) } });

        result.IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task DispatchTaskAsync_InitialDelayThatTheTypesSettingsAllow_IsAccepted()
    {
        var errors = new ErrorHandlerOptions { AgentTypes = { ["coding"] = new AgentTypeOptions { Retry = { MaxDelay = TimeSpan.FromMinutes(10) } } } };
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = errors });
        await rig.AddAsync(_ => TaskData.Empty);
        var retry = new RetrySettings { InitialDelay = TimeSpan.FromMinutes(2) };

        (await rig.DispatchAsync(Rig.NewTask() with { Retry = retry })).IsSuccess.Should().BeTrue();
        await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask(AgentType.Review) with { Retry = retry })).Should()
            .ThrowAsync<TaskValidationException>();
    }

    /// <summary>The effects of all tasks that say so would be one.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task DispatchTaskAsync_BlankIdempotencyKey_IsRefused(string key)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty);
        var task = Rig.NewTask() with { Id = "t", IdempotencyKey = key };

        await FluentActions.Awaiting(() => rig.DispatchAsync(task)).Should().ThrowAsync<TaskValidationException>()
            .WithMessage("Task 't' is not valid: IdempotencyKey is empty; leave it out for the task's own.");
        new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development], Tasks = [task] }.Invoking(static definition => definition.EnsureValid())
            .Should().Throw<WorkflowValidationException>().WithMessage("*Task 't': IdempotencyKey is empty; leave it out for the task's own.*");
    }

    [Fact]
    public async Task DispatchTaskAsync_MaxDelayBelowTheHandlersInitialDelay_IsRefused()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retry = new RetryPolicy { InitialDelay = TimeSpan.FromSeconds(30) } });
        await rig.AddAsync(_ => TaskData.Empty);

        var act = () => rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxDelay = TimeSpan.FromSeconds(10) } });

        (await act.Should().ThrowAsync<TaskValidationException>()).Which.Message.Should()
            .Contain("Retry.MaxDelay is 00:00:10; set it to at least InitialDelay (00:00:30)");
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_RetryOfATask_IsJudgedByThePolicyOfTheEnginesOwnHandler()
    {
        await using var patient = await Rig.StartAsync(new RigOptions { Retry = new RetryPolicy { MaxDelay = TimeSpan.FromMinutes(10) } });
        await using var usual = await Rig.StartAsync();
        await patient.AddAsync(_ => TaskData.Empty);
        var definition = new WorkflowDefinition
        {
            Name = "w",
            Tasks = [new TaskDefinition { Id = "slow", AgentType = AgentType.Coding, Retry = new RetrySettings { InitialDelay = TimeSpan.FromMinutes(2) } }],
        };

        (await patient.Engine.RunWorkflowAsync(definition)).Status.Should().Be(WorkflowStatus.Completed);
        var act = () => usual.Engine.RunWorkflowAsync(definition).AsTask();

        (await act.Should().ThrowAsync<WorkflowValidationException>("a definition that is known was not judged by this handler yet"))
            .Which.Problems.Should().ContainSingle().Which.Should().Contain("'slow'").And.Contain("Retry.MaxDelay");
    }

    [Fact]
    public async Task DispatchTaskAsync_OptionalAndAllBrokenOff_ClaimsNoDeadLetter()
    {
        await using var rig = await BrokenOffAsync(_ => TaskData.Empty, recovered: false);
        await rig.Errors.ClearDeadLetterQueueAsync();

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync(Rig.NewTask() with { Optional = true })).Should().ThrowAsync<CircuitOpenException>();

        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
        thrown.Which.Message.Should().NotContain("dead letter").And.Contain("tried again in 60 s");
    }

    [Fact]
    public async Task DispatchTaskAsync_AllBrokenOff_NamesTheDeadLetter()
    {
        await using var rig = await BrokenOffAsync(_ => TaskData.Empty, recovered: false);
        await rig.Errors.ClearDeadLetterQueueAsync();

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<CircuitOpenException>();

        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        thrown.Which.Message.Should().Contain($"dead letter '{letter.Id}'");
        thrown.Which.RetryAfter.Should().Be(TimeSpan.FromSeconds(60));
        thrown.Which.AgentType.Should().Be(AgentType.Coding);
    }

    /// <summary>A rig whose one agent failed once, and so is broken off; or whose time to recover is over.</summary>
    private static async Task<Rig> BrokenOffAsync(Func<Conductor.Agents.TaskContext, TaskData> run, bool recovered = true)
    {
        var rig = await Rig.StartAsync(new RigOptions { Errors = _opensAtOnce });
        var broken = true;
        await rig.AddAsync(task => broken ? throw new InvalidOperationException("bug") : run(task));
        await rig.DispatchAsync();
        broken = false;
        if (recovered)
        {
            rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        }

        return rig;
    }
}
