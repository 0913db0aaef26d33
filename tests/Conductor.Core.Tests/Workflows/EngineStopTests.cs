using System.Collections.Concurrent;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>An engine that stops: what runs may finish, and the rest is handed over.</summary>
public sealed class EngineStopTests
{
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

    /// <summary>Its gate is all that was left of it: nobody has to wait for a next owner, which in memory never comes.</summary>
    [Fact]
    public async Task StopAsync_TheLastTasksFinishMeanwhile_TheRunEnds()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        for (var i = 0; i < 2; i++)
        {
            await rig.AddAsync(async (_, _) =>
            {
                await release.Task;
                return TaskData.Empty;
            });
        }

        var definition = new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development], Tasks = [Rig.NewTask(), Rig.NewTask()] };
        var run = rig.Engine.RunWorkflowAsync(definition).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 2, "both to run");

        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await stop;

        (await run).Status.Should().Be(WorkflowStatus.Completed);
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
        var (attempts, secondRuns, release) = (0, false, new TaskCompletionSource());
        await rig.AddAsync(async (task, _) =>
        {
            if (task.Task.Id == "b")
            {
                secondRuns = true;
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
        await Rig.UntilAsync(() => attempts == 1 && Volatile.Read(ref secondRuns), "the first attempt to fail, and the other task to run");
        await Rig.UntilAsync(
            () =>
            {
                rig.Time.Advance(TimeSpan.FromSeconds(1));
                return rig.Coordinator.WaitingTasks == 1;
            },
            "the second attempt to wait");

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
}
