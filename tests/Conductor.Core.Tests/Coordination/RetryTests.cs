using System.Collections.Concurrent;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class RetryTests
{
    private static AgentException Transient(string message = "busy") => new(ErrorCodes.TransientError, message);

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_TransientFailure_IsRetriedWithBackoffUntilItSucceeds()
    {
        await using var rig = await Rig.StartAsync();
        var starts = new ConcurrentQueue<DateTimeOffset>();
        await rig.AddAsync(task =>
        {
            starts.Enqueue(rig.Time.GetUtcNow());
            return task.Attempt < 4 ? throw Transient() : TaskData.From(task.Attempt);
        });

        var result = await rig.DriveAsync(rig.DispatchAsync(), TimeSpan.FromMilliseconds(100));

        result.IsSuccess.Should().BeTrue();
        result.Attempts.Should().Be(4);
        starts.Zip(starts.Skip(1), (before, after) => (after - before).TotalSeconds).Should().SatisfyRespectively(
            first =>
                first.Should().BeApproximately(1, 0.21), second => second.Should().BeApproximately(2, 0.21), third => third.Should().BeApproximately(4, 0.21));
        result.Duration.Should().BeGreaterThan(TimeSpan.FromSeconds(6.9), "it spans all attempts");
        rig.Errors.GetCircuitBreaker("agent-1").ConsecutiveFailures.Should().Be(0, "success is recorded too");
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_RetriesUsedUp_IsAFailedResultAndADeadLetter()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw Transient());
        var task = Rig.NewTask();

        var result = await rig.DriveAsync(rig.DispatchAsync(task));

        result.Status.Should().Be(AgentTaskStatus.Failed);
        (result.Attempts, result.Error!.Code).Should().Be((4, "TRANSIENT_ERROR"));
        (await rig.State.GetTaskResultAsync(task.Id)).Should().Be(result);
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        (letter.RetryCount, letter.Task!.Id).Should().Be((3, task.Id));
    }

    /// <summary>No timer runs for so long.</summary>
    [Fact]
    public async Task DispatchTaskAsync_DelayOfThreeMonths_IsWaitedFor()
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            Retry = RetryPolicy.Default with { InitialDelay = TimeSpan.FromDays(90), MaxDelay = TimeSpan.FromDays(100), JitterFactor = 0 },
        });
        await rig.AddAsync(static task => task.Attempt == 1 ? throw Transient() : TaskData.Empty);
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1600), "the first attempt to fail");
        await Rig.SettleAsync();
        for (var day = 0; day < 89; day++)
        {
            rig.Time.Advance(TimeSpan.FromDays(1));
            await Rig.SettleAsync();
        }

        dispatch.IsCompleted.Should().BeFalse();
        rig.Time.Advance(TimeSpan.FromDays(1));

        (await rig.DriveAsync(dispatch)).Attempts.Should().Be(2);
    }

    [Fact]
    public async Task DispatchTaskAsync_FatalFailure_IsNotRetried()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ =>
        {
            runs++;
            throw new InvalidOperationException("bug");
        });

        var result = await rig.DispatchAsync();

        (result.Status, result.Error!.Code, result.Error.Type, runs).Should()
            .Be((AgentTaskStatus.Failed, "UNKNOWN_ERROR", "System.InvalidOperationException", 1));
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_FailedResult_CountsLikeAnException()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(task =>
        {
            runs++;
            task.Fail(ErrorCodes.LlmRateLimit, "slow down");
            return TaskData.From("partial");
        });

        var result = await rig.DriveAsync(rig.DispatchAsync());

        runs.Should().Be(4);
        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, "LLM_RATE_LIMIT"));
        rig.Errors.GetCircuitBreaker("agent-1").ConsecutiveFailures.Should().Be(4);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_OptionalTaskFails_IsSkipped()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw new InvalidOperationException("bug"));

        (await rig.DispatchAsync(Rig.NewTask() with { Optional = true })).Status.Should().Be(AgentTaskStatus.Skipped);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task DispatchTaskAsync_SettingsOfTheTask_AreUsed()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ =>
        {
            runs++;
            throw Transient();
        });

        await rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } });

        runs.Should().Be(1);
    }

    [Fact]
    public async Task DispatchTaskAsync_CancelledDuringBackoff_StopsAtOnce()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        await rig.AddAsync(_ => throw Transient());
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(entry => entry.Id.Id == 1600), "the first failure");
        rig.Coordinator.RunningTasks.Should().Be(0, "backing-off tasks do not count as running");
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task DispatchTaskAsync_ErrorsOwnWord_BeatsItsCode()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAsync(_ =>
        {
            runs++;
            throw new AgentException(ErrorCodes.TransientError, "no use") { IsTransient = false };
        });

        await rig.DispatchAsync();

        runs.Should().Be(1);
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_DeadlineOverAllAttempts_GivesUpInTime()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw Transient());
        var begun = rig.Time.GetUtcNow();

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(2.5) }));

        result.Attempts.Should().Be(2);
        (rig.Time.GetUtcNow() - begun).Should().BeLessThan(TimeSpan.FromSeconds(2.6));
        (await rig.Errors.GetDeadLetterQueueAsync()).Single().Context["reason"].Should().Contain("deadline");
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_AllBrokenOff_IsCircuitOpenDeadLetteredAndBlamesNobody()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.AddAsync(_ => throw new InvalidOperationException("bug"));
        await rig.DispatchAsync();
        var before = rig.Errors.GetCircuitBreaker("agent-1").ConsecutiveFailures;
        await rig.Errors.ClearDeadLetterQueueAsync();

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<CircuitOpenException>();

        thrown.Which.ErrorCode.Should().Be("CIRCUIT_OPEN");
        thrown.Which.RetryAfter.Should().Be(TimeSpan.FromSeconds(60));
        (await rig.Errors.GetDeadLetterQueueAsync()).Single().Code.Should().Be("CIRCUIT_OPEN");
        rig.Errors.GetCircuitBreaker("agent-1").ConsecutiveFailures.Should().Be(before);
        (await rig.Coordinator.GetAgentStatusAsync("agent-1"))!.Status.Should().Be(AgentStatus.Waiting);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_AfterRecoveryTime_HealsThroughRealWork()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var broken = true;
        await rig.AddAsync(_ => broken ? throw new InvalidOperationException("bug") : TaskData.Empty);
        await rig.DispatchAsync();
        broken = false;
        rig.Time.Advance(TimeSpan.FromSeconds(60));

        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        rig.Errors.GetCircuitBreaker("agent-1").State.Should().Be(CircuitBreakerState.HalfOpen);
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        rig.Errors.GetCircuitBreaker("agent-1").State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_WhileATrialRuns_WaitsForItsOutcome()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var broken = true;
        var gate = new SemaphoreSlim(0);
        await rig.AddAsync(async (_, token) =>
        {
            if (broken)
            {
                throw new InvalidOperationException("bug");
            }

            await gate.WaitAsync(token);
            return TaskData.Empty;
        });
        await rig.DispatchAsync();
        broken = false;
        rig.Time.Advance(TimeSpan.FromSeconds(60));
        var trial = rig.DispatchAsync();
        var behind = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        behind.IsCompleted.Should().BeFalse();
        gate.Release(2);

        (await trial).IsSuccess.Should().BeTrue();
        (await behind).IsSuccess.Should().BeTrue();
    }

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_TrialFailsWhileOthersWait_TellsThemTheCircuitIsOpen()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var gate = new SemaphoreSlim(1);
        await rig.AddAsync(async (_, token) =>
        {
            await gate.WaitAsync(token);
            throw new InvalidOperationException("bug");
        });
        await rig.DispatchAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(60));
        var trial = rig.DispatchAsync();
        var behind = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        gate.Release();

        (await trial).IsSuccess.Should().BeFalse();
        await FluentActions.Awaiting(() => behind).Should().ThrowAsync<CircuitOpenException>();
    }

    [Fact]
    public async Task DispatchTaskAsync_OneBrokenOffAndOneBusy_WaitsAndTakesWhicheverIsFitFirst()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var broken = true;
        var gate = new SemaphoreSlim(0);
        await rig.AddAsync(_ => broken ? throw new InvalidOperationException("bug") : TaskData.Empty, id: "flaky");
        await rig.AddAsync(async (_, token) =>
        {
            await gate.WaitAsync(token);
            return TaskData.Empty;
        }, id: "slow");
        await rig.DispatchAsync();
        broken = false;
        var slow = rig.DispatchAsync();
        var waiting = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");
        rig.Time.Advance(TimeSpan.FromSeconds(61));

        (await waiting).AgentId.Should().Be("flaky");
        gate.Release();
        await slow;
    }

    [Fact]
    public async Task ResetCircuitBreaker_WhileTasksWait_LetsThemThrough()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var broken = true;
        var gate = new SemaphoreSlim(0);
        await rig.AddAsync(_ => broken ? throw new InvalidOperationException("bug") : TaskData.Empty, id: "flaky");
        await rig.AddAsync(async (_, token) =>
        {
            await gate.WaitAsync(token);
            return TaskData.Empty;
        }, id: "slow");
        await rig.DispatchAsync();
        broken = false;
        var slow = rig.DispatchAsync();
        var waiting = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");
        rig.Errors.ResetCircuitBreaker("flaky");

        (await waiting).AgentId.Should().Be("flaky");
        gate.Release();
        await slow;
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_EachAttempt_ShowsOneAssignmentAndOneResult()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(task => task.Attempt == 1 ? throw Transient() : TaskData.Empty, id: "a");
        await rig.FollowAsync(Channels.Agent("a"), Channels.Results(rig.Coordinator.Id));

        await rig.DriveAsync(rig.DispatchAsync());

        await Rig.UntilAsync(() => rig.Messages.Count == 4, "all messages");
        rig.Messages.GroupBy(entry => entry.Message.CorrelationId).Should().HaveCount(2).And.OnlyContain(group =>
            group.Count(entry => entry.Message.Type == MessageType.TaskAssignment) == 1
                && group.Count(entry => entry.Message.Type == MessageType.TaskResult) == 1);
    }

    [Fact]
    [Trait("Behaviour", "1")]
    public async Task DispatchTaskAsync_Retry_KeepsIdempotencyKeyAndRunsEffectsOnce()
    {
        await using var rig = await Rig.StartAsync();
        var keys = new ConcurrentQueue<string>();
        var effects = 0;
        var values = new ConcurrentQueue<int>();
        await rig.AddAsync(async (task, token) =>
        {
            keys.Enqueue(task.IdempotencyKey);
            values.Enqueue(await task.OnceAsync("pay", _ => Task.FromResult(Interlocked.Increment(ref effects) * 100), token));
            return task.Attempt < 3 ? throw Transient() : TaskData.Empty;
        });

        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { IdempotencyKey = "order-7" }));

        keys.Should().Equal("order-7:0", "order-7:0", "order-7:0");
        values.Should().Equal(100, 100, 100);
        effects.Should().Be(1);
    }
}
