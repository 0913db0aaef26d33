using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Ends that are not those of a run itself: cancelled, out of time, or lost to another.</summary>
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

        var state = await rig.DriveAsync(
            rig.Engine.RunWorkflowAsync(Release.ThreePhases() with { Timeout = TimeSpan.FromSeconds(30) }).AsTask(), TimeSpan.FromSeconds(1));

        (state.Status, state.Error!.Code).Should().Be((WorkflowStatus.Failed, "WORKFLOW_TIMEOUT"));
        state.TaskResults["code"].Status.Should().Be(AgentTaskStatus.Cancelled);
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
        var definition = WorkflowDefinition.Create("long")
            .Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding).Timeout(TimeSpan.FromHours(1))).Build();

        (await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask(), TimeSpan.FromSeconds(5))).Status.Should().Be(WorkflowStatus.Completed);
    }

    /// <summary>Nothing failed: what depends on a task that was cancelled with its run did not run, and that is all.</summary>
    [Fact]
    [Trait("Behaviour", "6")]
    public async Task CancelAsync_TasksDependOnTheOneThatRuns_NothingHasFailed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return TaskData.Empty;
        });
        var run = await rig.Engine.StartWorkflowAsync(new WorkflowDefinition
        {
            Name = "chain",
            Tasks = [Rig.NewTask() with { Id = "slow" }, Rig.NewTask() with { Id = "after", DependsOn = ["slow"] }],
        });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await run.CancelAsync();

        var state = await run.Completion;
        (state.Status, state.FailedTasks, state.TaskResults.Count).Should().Be((WorkflowStatus.Cancelled, 0, 1));
        state.PhaseHistory.Single().FailedTasks.Should().Be(0);
        state.ErrorLog.Should().OnlyContain(static entry => entry.Severity == FeedbackSeverity.Info);
    }

    [Fact]
    public async Task DeleteWorkflowAsync_RunInProgress_EndsItHereAndSaysThatItWasDeleted()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (_, _) =>
        {
            begun.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(
            new WorkflowDefinition { Name = "one", Tasks = [Rig.NewTask()] }, new WorkflowRunOptions { RunId = "run" });
        await begun.Task;

        await rig.State.DeleteWorkflowAsync("run");
        release.SetResult();

        var lost = (await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion)).Should().ThrowAsync<StateException>()).Which;
        (lost.ErrorCode, lost.Key).Should().Be((ErrorCodes.LeaseLost, "workflow:run"));
        lost.Message.Should().Contain("was deleted").And.NotContain("new owner");
    }
}
