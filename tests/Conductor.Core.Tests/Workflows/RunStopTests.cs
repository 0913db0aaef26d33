using System.Collections.Concurrent;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Ends that are not those of a run itself: cancelled, out of time, handed over, or lost to another.</summary>
public sealed class RunStopTests
{
    [Fact]
    [Trait("Behaviour", "16")]
    public async Task CancelAsync_RunningRun_EndsCancelledWithItsTasks()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cancelled.SetResult();
            }

            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases());
        await started.Task;

        (await run.CancelAsync()).Should().BeTrue();
        var state = await run.Completion;

        (state.Status, state.Error!.Code, state.TaskResults["code"].Status).Should().Be((WorkflowStatus.Cancelled, "CANCELLED", AgentTaskStatus.Cancelled));
        state.TaskResults["code"].Attempts.Should().Be(1);
        state.PhaseHistory.Single().Outcome.Should().Be(PhaseOutcome.Cancelled);
        await cancelled.Task;
        (await run.CancelAsync()).Should().BeFalse("it has ended");
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task CancelAsync_FromAnotherEngineOnTheSameStore_ReachesTheOwner()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
        await started.Task;
        await using var other = new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, environment: rig.Environment);
        await using var handle = (await other.GetRunAsync("r"))!;

        (await handle.CancelAsync()).Should().BeTrue();

        (await rig.DriveAsync(handle.Completion, TimeSpan.FromSeconds(1))).Status.Should().Be(WorkflowStatus.Cancelled);
        (await run.Completion).Status.Should().Be(WorkflowStatus.Cancelled);
        (await other.GetRunAsync("nobody")).Should().BeNull();
    }

    [Fact]
    public async Task RunWorkflowAsync_TokenCancelled_CancelsTheRun()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        var run = rig.Engine.RunWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" }, cancellation.Token).AsTask();
        await started.Task;
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => run).Should().ThrowAsync<OperationCanceledException>();
        (await rig.State.GetWorkflowStateAsync("r"))!.Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task RunWorkflowAsync_OutOfTime_FailsWithWorkflowTimeout()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(Release.ThreePhases() with { Timeout = TimeSpan.FromSeconds(30) }).AsTask(), TimeSpan.FromSeconds(1));

        (state.Status, state.Error!.Code).Should().Be((WorkflowStatus.Failed, "WORKFLOW_TIMEOUT"));
        state.TaskResults["code"].Status.Should().Be(AgentTaskStatus.Cancelled);
    }

    [Fact]
    public async Task StopAsync_RunInProgress_FinishesRunningTasksAndHandsItOver()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, _) =>
        {
            started.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
        await started.Task;
        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse();
        release.SetResult();
        await stop;

        (await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be("LEASE_LOST");
        var state = await rig.State.GetWorkflowStateAsync("r");
        (state!.Status, state.TaskResults["code"].Status).Should().Be((WorkflowStatus.Waiting, AgentTaskStatus.Completed));
        (await rig.State.Leases.GetAsync("workflow:r")).Should().BeNull("the next owner can take it at once");
        await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(Release.ThreePhases()).AsTask()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task StopAsync_StartUnderWay_IsWaitedForAndHandedOver()
    {
        await using var processes = new Processes();
        var committed = new TaskCompletionSource();
        TroubledStateManager? store = null;
        var rig = await processes.StartAsync(wrap: inner => store = new TroubledStateManager(inner));
        await rig.AddAsync(static _ => throw new InvalidOperationException("must not run"));
        store!.Trouble["CommitWorkflowAsync"] = () => committed.Task;
        var start = rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" }).AsTask();

        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse("a start is under way");
        committed.SetResult();
        await stop;

        await using var run = await start;
        (await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be("LEASE_LOST");
        var state = (await processes.Store.GetWorkflowStateAsync("r"))!;
        (state.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 0));
        (await processes.Store.Leases.GetAsync("workflow:r")).Should().BeNull("whoever comes next goes on at once");
    }

    [Fact]
    public async Task StopAsync_TaskWaitsForItsNextAttempt_IsLeftToTheNextOwner()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        await rig.FollowAsync(Channels.Errors);
        var (attempts, release) = (0, new TaskCompletionSource());
        await rig.AddAsync(async (task, _) =>
        {
            if (task.Task.Id == "b")
            {
                await release.Task;
            }

            return ++attempts == 1 ? throw new TimeoutException("once") : TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("two").Phase(WorkflowPhase.Development, static phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        }).Build();
        await using var run = await rig.Engine.StartWorkflowAsync(definition, new() { RunId = "r" });
        await Rig.UntilAsync(() => attempts == 1 && rig.Coordinator.RunningTasks == 1, "the first attempt to fail, and the other task to run");
        rig.Time.Advance(TimeSpan.FromMinutes(1));
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second attempt to wait");

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await rig.DriveAsync(stop);

        var state = (await processes.Store.GetWorkflowStateAsync("r"))!;
        (state.Status, string.Join(' ', state.TaskResults.Keys)).Should().Be((WorkflowStatus.Waiting, "b"));
        rig.Messages.Should().BeEmpty("nothing failed");
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => TaskData.Empty);
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        (await heir.DriveAsync((await heir.Engine.GetRunAsync("r"))!.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task StopAsync_TaskComesToWaitOnlyThen_IsLeftToTheNextOwner()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var (attempts, release) = (0, new TaskCompletionSource());
        await rig.AddAsync(async (task, _) =>
        {
            if (task.WorkflowId is null)
            {
                await release.Task;
            }

            return ++attempts == 1 ? throw new TimeoutException("once") : TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("one").Phase(WorkflowPhase.Development, static phase => phase.Task("a", AgentType.Coding)).Build();
        await using var run = await rig.Engine.StartWorkflowAsync(definition, new() { RunId = "r" });
        await Rig.UntilAsync(() => attempts == 1 && rig.Coordinator.RunningTasks == 0, "the first attempt to fail");
        var busy = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the agent to be busy");

        // In its back-off now: it comes to wait for the agent when that is over.
        var stop = rig.Engine.StopAsync().AsTask();
        await rig.DriveAsync(stop);

        busy.IsCompleted.Should().BeFalse();
        (await processes.Store.GetWorkflowStateAsync("r"))!.Status.Should().Be(WorkflowStatus.Waiting);
        release.SetResult();
        (await busy).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task StopAsync_StartUnderWay_TheOthersDrainMeanwhile()
    {
        await using var processes = new Processes();
        TroubledStateManager? store = null;
        var rig = await processes.StartAsync(wrap: inner => store = new TroubledStateManager(inner));
        var (begun, release, committed) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (_, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "under way" });
        await begun.Task;
        store!.Trouble["CommitWorkflowAsync"] = () => committed.Task;
        var start = rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "new" }).AsTask();
        await Rig.SettleAsync();
        var stop = rig.Engine.StopAsync().AsTask();
        store.Trouble.Clear();

        release.SetResult();

        await FluentActions.Awaiting(() => run.Completion.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<StateException>();
        stop.IsCompleted.Should().BeFalse("the other start is under way");
        committed.SetResult();
        await stop;
        await (await start).DisposeAsync();
        (await processes.Store.GetWorkflowStateAsync("under way"))!.TaskResults.Keys.Should().Equal("code");
    }

    [Fact]
    public async Task RunWorkflowAsync_NoLimitAndAClockThatIsBehind_Runs()
    {
        await using var processes = new Processes();
        var ahead = await processes.StartAsync();
        ahead.Time.Advance(TimeSpan.FromHours(1));
        await ahead.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return TaskData.Empty;
        });
        await ahead.Engine.StartWorkflowAsync(Release.ThreePhases() with { Timeout = TimeSpan.MaxValue }, new() { RunId = "r" });
        await ahead.Engine.StopAsync(new CancellationToken(canceled: true));
        var heir = await processes.StartAsync();
        await heir.AddAllTypesAsync(static _ => TaskData.Empty);

        (await heir.Engine.RecoverAsync()).Should().Be(1);

        (await heir.DriveAsync((await heir.Engine.GetRunAsync("r"))!.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task StopAsync_StartThatHangs_IsWaitedForOnlyAsLongAsTheTokenSays()
    {
        await using var processes = new Processes();
        TroubledStateManager? store = null;
        var rig = await processes.StartAsync(wrap: inner => store = new TroubledStateManager(inner));
        var never = new TaskCompletionSource();
        store!.Trouble["CommitWorkflowAsync"] = () => never.Task;
        var start = rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" }).AsTask();

        await rig.Engine.StopAsync(new CancellationToken(canceled: true));

        start.IsCompleted.Should().BeFalse();
        never.SetException(new StateException(ErrorCodes.StateUnavailable, "down"));
        await FluentActions.Awaiting(() => start).Should().ThrowAsync<StateException>();
    }

    [Fact]
    public async Task StopAsync_TasksThatOnlyWait_AreGivenBackAtOnce()
    {
        await using var rig = await Rig.StartAsync();
        var ran = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            ran.Enqueue(task.Task.Id);
            await release.Task;
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        }).Build();
        await using var run = await rig.Engine.StartWorkflowAsync(definition, new() { RunId = "r" });
        await Rig.UntilAsync(() => ran.Count == 1 && rig.Coordinator.WaitingTasks == 1, "one to run and one to wait");
        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 0, "the waiting one to be given back");
        release.SetResult();
        await stop;

        ran.Should().Equal("a");
        (await rig.State.GetWorkflowStateAsync("r"))!.TaskResults.Keys.Should().Equal("a");
    }

    [Fact]
    public async Task StopAsync_TimeIsUp_LeavesRunningTasksToTheNextOwner()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
        await started.Task;

        await rig.Engine.StopAsync(new CancellationToken(true));

        var state = await rig.State.GetWorkflowStateAsync("r");
        (state!.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 0));
        await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>();
    }

    [Fact]
    [Trait("Behaviour", "15")]
    public async Task Lease_TakenByAnother_StopsTheRunAndSavesNothingMore()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                stopped.SetResult();
            }

            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases(), new() { RunId = "r" });
        await started.Task;
        var before = (await rig.State.GetWorkflowStateAsync("r"))!.StoreVersion;
        var lease = await rig.State.Leases.GetAsync("workflow:r");
        await rig.State.Leases.ReleaseAsync(lease!);
        await rig.State.Leases.TryAcquireAsync("workflow:r", "another", TimeSpan.FromMinutes(5));

        await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion, TimeSpan.FromSeconds(1))).Should().ThrowAsync<StateException>();
        await stopped.Task;
        (await rig.State.GetWorkflowStateAsync("r"))!.StoreVersion.Should().Be(before);
    }

    [Fact]
    public async Task Lease_LongRun_IsRenewed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, token) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(5), rig.Time, token);
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("long").Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding).Timeout(TimeSpan.FromHours(1))).Build();

        (await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask(), TimeSpan.FromSeconds(5))).Status.Should().Be(WorkflowStatus.Completed);
    }
}
