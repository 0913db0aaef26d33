using Conductor.Agents;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>A store that fails now and then, or is slow once: runs go on as soon as it works, and nobody is blamed.</summary>
public sealed class StoreTroubleTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly WorkflowRunOptions _run = new() { RunId = "run" };
    private static readonly WorkflowDefinition _one = new()
    {
        Name = "one",
        Tasks = [new TaskDefinition { Id = "task", AgentType = AgentType.Coding, Timeout = TimeSpan.FromHours(5) }],
    };

    [Fact]
    public async Task Background_StoreGivesUpByItself_GoesOnWhenItWorks()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartAsync();
        await rig.Engine.StartWorkflowAsync(_one, _run);
        store.Trouble["ListUnfinishedWorkflowsAsync"] = store.Trouble["IsCancellationRequestedAsync"] =
            static () => throw new TaskCanceledException("the store's own time limit, and nobody's request to stop");
        await PassAsync(processes, rig, seconds: 11);
        store.Trouble.Clear();
        var looks = store.Looks;

        await PassAsync(processes, rig, seconds: 60);

        store.Looks.Should().BeGreaterThan(looks + 10);
        (await processes.Store.Leases.GetAsync("workflow:run")).Should().NotBeNull("it is renewed");
        rig.Logs.GetSnapshot().Select(static record => record.Id.Id).Should().Contain(1416, "nothing fails silently");
        await processes.Store.RequestCancellationAsync("run");
        await PassAsync(processes, rig, seconds: 30);
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task Recovery_OneLookTookLong_LooksAgainWithinATermOfTheLease()
    {
        await using var processes = new Processes();
        var (dead, _) = await StartAsync(processes, Stuck);
        await dead.Engine.StartWorkflowAsync(_one, _run);
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var (heir, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        store.Trouble["GetWorkflowDefinitionAsync"] = async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(30), heir.Time);
            throw new StateException(ErrorCodes.StateUnavailable, "locked") { IsTransient = true };
        };
        await heir.DriveAsync(heir.Engine.StartAsync().AsTask());
        store.Trouble.Clear();

        for (var seconds = 0; seconds < 2 * WorkflowOptions.DefaultLeaseDuration.TotalSeconds; seconds++)
        {
            heir.Time.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }

        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Recovery_TakeOverAfterTroubleFailsOnce_CountsNoCrash()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartWorkflowAsync(_one, _run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["TryRenewAsync"] = Unavailable;
        for (var seconds = 0; seconds < 40 && rig.Engine.RunningWorkflows.Count > 0; seconds++)
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }

        store.Trouble.Clear();
        store.Trouble["GetWorkflowHistoryAsync"] = Unavailable;
        processes.LetLeasesRunOut();
        (await rig.Engine.RecoverAsync()).Should().Be(0, "what is needed to go on could not be read");
        store.Trouble.Clear();
        rig.Time.Advance(TimeSpan.FromSeconds(31));

        (await rig.Engine.RecoverAsync()).Should().Be(1);

        (await processes.Store.GetWorkflowStateAsync("run"))!.Redeliveries.Should().BeEmpty("no process died");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Result_TheStoreCannotWriteDown_FailsItsTaskAloneAndOnce(bool optional)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) =>
        {
            Interlocked.Increment(ref runs);
            return new ValueTask<TaskData>("done");
        });
        store.Trouble["EnsureCanSave"] = static () => throw new TaskValidationException("no JSON for this");

        var state = await rig.Engine.RunWorkflowAsync(_one with { Tasks = [_one.Tasks[0] with { Optional = optional }] }, _run);

        runs.Should().Be(1);
        var result = state.TaskResults["task"];
        (result.Status, result.Error!.Code, result.Output.IsEmpty).Should().Be((optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed, ErrorCodes.TaskValidationFailed, true));
        state.Status.Should().Be(optional ? WorkflowStatus.Completed : WorkflowStatus.Failed);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1203);
    }

    /// <summary>A store that says so only when a step is committed: the run is not begun again for ever.</summary>
    [Fact]
    public async Task Step_TheStoreCannotWriteDown_EndsAsACrashDoes()
    {
        await using var processes = new Processes();
        var runs = 0;
        TroubledStateManager? troubled = null;
        var (rig, store) = await StartAsync(processes, (_, _) =>
        {
            troubled!.Trouble["CommitWorkflowAsync"] = static () => throw new TaskValidationException("no JSON for this");
            Interlocked.Increment(ref runs);
            return new ValueTask<TaskData>("done");
        });
        troubled = store;
        await rig.Engine.StartWorkflowAsync(_one, _run);
        for (var turn = 0; turn < 10; turn++)
        {
            await Rig.UntilAsync(() => rig.Engine.RunningWorkflows.Count == 0, "the run to be lost or over");
            store.Trouble.Clear();
            rig.Time.Advance(TimeSpan.FromMinutes(1));
            await rig.Engine.RecoverAsync();
        }

        runs.Should().Be(WorkflowOptions.DefaultMaxCrashes);
        (await processes.Store.GetWorkflowStateAsync("run"))!.TaskResults["task"].Error!.Code.Should().Be(ErrorCodes.TaskCrashed);
    }

    [Fact]
    public async Task DeadLetter_CannotBeKeptNow_IsKeptWhenTheStoreWorks()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => throw new AgentException(ErrorCodes.TransientError, "the real reason"));
        var failures = 0;
        store.Trouble["SaveDeadLetterAsync"] = () => ++failures < 4 ? Unavailable() : Task.CompletedTask;

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(_one with { Tasks = [_one.Tasks[0] with { Retry = new RetrySettings { MaxRetries = 0 } }] }, _run).AsTask());

        state.TaskResults["task"].Error!.Message.Should().Contain("the real reason");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.Message.Should().Contain("the real reason");
    }

    [Fact]
    public async Task DeadLetter_CanNeverBeKept_TheTaskEndsWithItsOwnErrorAndTheLogHasIt()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => throw new AgentException(ErrorCodes.TransientError, "the real reason"));
        store.Trouble["SaveDeadLetterAsync"] = Unavailable;

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }), TimeSpan.FromSeconds(5));

        (result.Status, result.Error!.Code, result.AgentId is null).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TransientError, false));
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1608 && record.Message.Contains("the real reason"));
    }

    /// <summary>Paused for so long that another owner has the task by now: its failure is nobody's business any more.</summary>
    [Fact]
    public async Task DeadLetter_OfATaskThatAnotherOwnerHas_IsNotWritten()
    {
        await using var processes = new Processes();
        var release = new TaskCompletionSource();
        var (paused, store) = await StartAsync(processes, async (_, _) =>
        {
            await release.Task;
            throw new AgentException(ErrorCodes.TransientError, "too late");
        });
        await using var run = await paused.Engine.StartWorkflowAsync(_one with { Tasks = [_one.Tasks[0] with { Retry = new RetrySettings { MaxRetries = 0 } }] }, _run);
        await Rig.UntilAsync(() => paused.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var (heir, _) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        // What renews the lease regularly is still on its way to the store when the task fails.
        var renewal = new TaskCompletionSource();
        store.Trouble["TryRenewAsync"] = () => renewal.Task;
        paused.Time.Advance(WorkflowOptions.DefaultLeaseDuration * 0.7);
        store.Trouble.Clear();
        release.SetResult();
        var act = () => paused.DriveAsync(run.Completion);

        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        renewal.SetResult();
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Completed);
        (await paused.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>The clock stands still: nobody has to wait for the store who does not want to.</summary>
    [Theory]
    [InlineData("the next task")]
    [InlineData("a cancelled dispatch")]
    [InlineData("a stop")]
    [InlineData("a cancelled run")]
    public async Task DeadLetter_CannotBeKeptNow_HoldsNobodyUp(string who)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) => ++runs == 1 ? throw new AgentException(ErrorCodes.TransientError, "busy") : new ValueTask<TaskData>("done"));
        var asked = new TaskCompletionSource();
        store.Trouble["SaveDeadLetterAsync"] = () =>
        {
            asked.TrySetResult();
            return Unavailable();
        };
        using var cancellation = new CancellationTokenSource();
        var task = Rig.NewTask() with { Id = "task", Retry = new RetrySettings { MaxRetries = 0 } };
        await using var run = who == "a cancelled run" ? await rig.Engine.StartWorkflowAsync(_one with { Tasks = [task] }, _run) : null;
        var dispatch = run is null ? rig.DispatchAsync(task, cancellation.Token) : null;
        await asked.Task;

        switch (who)
        {
            case "the next task":
                (await rig.DispatchAsync().WaitAsync(_limit)).IsSuccess.Should().BeTrue();
                break;
            case "a cancelled dispatch":
                await cancellation.CancelAsync();
                (await dispatch!.WaitAsync(_limit)).Error!.Code.Should().Be(ErrorCodes.TransientError, "it failed before");
                break;
            case "a stop":
                await rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask().WaitAsync(_limit);
                break;
            default:
                await run!.CancelAsync();
                (await run.Completion.WaitAsync(_limit)).Status.Should().Be(WorkflowStatus.Cancelled);
                break;
        }
    }

    /// <summary>A task that ran must not run again because the store had a bad moment.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Result_CannotBeSavedNow_IsSavedWhenTheStoreWorks(bool throwsAtOnce)
    {
        await using var processes = new Processes();
        var runs = 0;
        var (rig, store) = await StartAsync(processes, (_, _) => new ValueTask<TaskData>(TaskData.From(++runs)));
        var failures = 0;
        (throwsAtOnce ? store.TroubleAtOnce : store.Trouble)["SaveTaskResultAsync"] = () => ++failures < 4 ? Unavailable() : Task.CompletedTask;
        var task = Rig.NewTask() with { Id = "task" };

        var result = await rig.DriveAsync(rig.DispatchAsync(task));

        (await rig.DispatchAsync(task)).Should().Be(result, "it is recorded");
        (runs, failures).Should().Be((1, 4));
    }

    /// <summary>A lease store of somebody's own fails in its own way while a task waits for its agent: no task failed of that.</summary>
    [Fact]
    public async Task Lease_StoreFailsInItsOwnWay_FailsNoTask()
    {
        await using var processes = new Processes();
        var release = new TaskCompletionSource();
        var (rig, store) = await StartAsync(processes, async (_, _) =>
        {
            await release.Task;
            return "done";
        });
        await using var run = await rig.Engine.StartWorkflowAsync(_one with { Tasks = [_one.Tasks[0], _one.Tasks[0] with { Id = "waits" }] }, _run);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        store.Trouble["TryRenewAsync"] = static () => throw new TimeoutException("the lease server's own");
        rig.Time.Advance(WorkflowOptions.DefaultLeaseDuration * 0.7);
        release.SetResult();
        await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion)).Should().ThrowAsync<Exception>();

        (await processes.Store.GetWorkflowStateAsync("run"))!.TaskResults.Values.Should().NotContain(static result => !result.IsSuccess);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    /// <summary>The store answers no more: the stop says so, and ends.</summary>
    [Fact]
    public async Task StopAsync_HandOverCannotBeWritten_EndsAfterTheGracePeriod()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartWorkflowAsync(_one, _run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        var hangs = new TaskCompletionSource();
        store.Trouble["CommitWorkflowAsync"] = () => hangs.Task;
        var stop = rig.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse();

        rig.Time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(_limit);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1420 && record.Message.Contains("run"));
        hangs.SetResult();
    }

    [Fact]
    public async Task Completion_OfARunElsewhere_SurvivesTrouble()
    {
        await using var processes = new Processes();
        var release = new TaskCompletionSource();
        var (owner, _) = await StartAsync(processes, async (_, _) =>
        {
            await release.Task;
            return "done";
        });
        await owner.Engine.StartWorkflowAsync(_one, _run);
        var (follower, store) = await StartAsync(processes, Stuck);
        await using var run = (await follower.Engine.GetRunAsync("run"))!;
        store.Trouble["GetWorkflowHistoryAsync"] = Unavailable;
        var completion = run.Completion;
        await Rig.SettleAsync();
        follower.Time.Advance(WorkflowOptions.DefaultPollInterval);
        store.Trouble.Clear();

        release.SetResult();

        (await follower.DriveAsync(completion)).Status.Should().Be(WorkflowStatus.Completed);
        follower.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1419);
    }

    private static Task Unavailable() => throw new StateException(ErrorCodes.StateUnavailable, "down") { IsTransient = true };

    private static async ValueTask<TaskData> Stuck(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return "never";
    }

    private static async Task<(Rig Rig, TroubledStateManager Store)> StartAsync(Processes processes, Func<TaskContext, CancellationToken, ValueTask<TaskData>> run)
    {
        var store = new TroubledStateManager(processes.Store);
        var rig = await processes.StartAsync(wrap: _ => store);
        await rig.AddAsync(run);
        return (rig, store);
    }

    private static async Task PassAsync(Processes processes, Rig rig, int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            processes.StoreClock.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }
    }
}
