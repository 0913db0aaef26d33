using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>A store that fails now and then, or is slow once: runs go on as soon as it works, and nobody is blamed.</summary>
public sealed class StoreTroubleTests
{
    [Fact]
    public async Task Background_StoreGivesUpByItself_GoesOnWhenItWorks()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartAsync();
        await rig.Engine.StartWorkflowAsync(One, Run);
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
        await dead.Engine.StartWorkflowAsync(One, Run);
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

    /// <summary>What a run is lost by that gets no further is likely to be there the next time, too.</summary>
    [Fact]
    public async Task Recovery_RunIsLostAgainAndAgain_IsTriedEverMoreRarelyAndGoesOnAtLast()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        await rig.Engine.StartAsync();
        var commits = 0;
        store.Trouble["CommitWorkflowAsync"] = () => ++commits % 2 == 0 ? throw new NotSupportedException("a result of this kind") : Task.CompletedTask;
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await FluentActions.Awaiting(() => run.Completion.WaitAsync(Limit)).Should().ThrowAsync<NotSupportedException>();

        await PassAsync(processes, rig, seconds: 47 * 30);

        var resumed = (await processes.Store.GetWorkflowHistoryAsync("run"))!.Events.Count(static happening => happening.Kind == WorkflowEventKind.Resumed);
        resumed.Should().BeInRange(6, 7, "it rests for 1, 2, 4, 8 and from then on 16 terms of a lease");
        store.Trouble.Clear();
        await PassAsync(processes, rig, seconds: 17 * 30);
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Recovery_TakeOverAfterTroubleFailsOnce_CountsNoCrash()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartWorkflowAsync(One, Run);
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
        await rig.Engine.StartWorkflowAsync(One, Run);
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
        await using var run = await rig.Engine.StartWorkflowAsync(One with { Tasks = [One.Tasks[0], One.Tasks[0] with { Id = "waits" }] }, Run);
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
        await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        var hangs = new TaskCompletionSource();
        store.Trouble["CommitWorkflowAsync"] = () => hangs.Task;
        var stop = rig.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse();

        rig.Time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(Limit);
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
        await owner.Engine.StartWorkflowAsync(One, Run);
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

    /// <summary>One that is only asked something must not keep the leases from being renewed.</summary>
    [Fact]
    [Trait("Behaviour", "15")]
    public async Task Lease_StoreHangsWhenItIsAskedForCancellations_IsRenewedAllTheSame()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        var hangs = new TaskCompletionSource();
        store.Trouble["IsCancellationRequestedAsync"] = () => hangs.Task;

        await PassAsync(processes, rig, seconds: 3 * (int)WorkflowOptions.DefaultLeaseDuration.TotalSeconds);

        (await processes.Store.Leases.GetAsync("workflow:run")).Should().NotBeNull("it is held");
        run.Completion.IsCompleted.Should().BeFalse();
        hangs.SetResult();
    }

    [Fact]
    public async Task Completion_TheFinalStateCannotBeReadAtOnce_ComesAllTheSame()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var reads = 0;
        store.Trouble["GetWorkflowStateAsync"] = () => ++reads == 1 ? Unavailable() : Task.CompletedTask;

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(One).AsTask());

        (state.Status, reads).Should().Be((WorkflowStatus.Completed, 2));
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1422);
    }

    [Fact]
    public async Task StartWorkflowAsync_TheStoreFailedOnce_TheIdIsFreeAtOnce()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        store.Trouble["CommitWorkflowAsync"] = static () => throw new TimeoutException("a store of somebody's own");
        await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(One, Run).AsTask()).Should().ThrowAsync<TimeoutException>();
        store.Trouble.Clear();

        var run = await rig.Engine.StartWorkflowAsync(One, Run).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        (await run.Completion).Status.Should().Be(WorkflowStatus.Completed);
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
