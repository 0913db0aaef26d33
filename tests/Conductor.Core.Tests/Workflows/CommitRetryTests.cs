using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class CommitRetryTests
{
    private static readonly WorkflowDefinition _definition = new()
    {
        Name = "w",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition { Id = "a", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "b", AgentType = AgentType.Coding, DependsOn = ["a"] },
        ],
    };

    [Fact]
    public async Task Commit_StoreUnavailableForAWhile_IsRepeatedAndNothingRunsTwice()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync(wrap: static store => new InterceptedStateManager(store)
        {
            BeforeCommit = static number => ThrowIf(number is 2 or 3 or 5),
        });
        var runs = 0;
        await rig.AddAsync(_ => $"{++runs}");
        var run = await rig.Engine.StartWorkflowAsync(_definition);
        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
        runs.Should().Be(2);
    }

    [Fact]
    public async Task Commit_FailedAfterItWasDone_IsNotDoneTwice()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync(wrap: static store => new InterceptedStateManager(store)
        {
            AfterCommit = static number => ThrowIf(number is 2 or 4),
        });
        await rig.AddAsync(static _ => "done");
        var run = await rig.Engine.StartWorkflowAsync(_definition);
        var state = await rig.DriveAsync(run.Completion);
        state.Status.Should().Be(WorkflowStatus.Completed);
        var history = await processes.Store.GetWorkflowHistoryAsync(run.RunId);
        history!.Events.Select(static happening => happening.Position).Should().Equal(Enumerable.Range(1, history.Events.Count).Select(static i => (long)i));
    }

    [Fact]
    public async Task Commit_StoreUnavailableForLongerThanTheLease_RunIsLostHereAndTakenUpAgainWithoutACrash()
    {
        await using var processes = new Processes();
        var isBroken = false;
        var rig = await processes.StartAsync(wrap: store => new InterceptedStateManager(store) { BeforeCommit = _ => ThrowIf(isBroken) });
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            await release.Task;
            return TaskData.From(task.Delivery);
        });
        var run = await rig.Engine.StartWorkflowAsync(_definition, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        isBroken = true;
        release.SetResult();
        var act = () => rig.DriveAsync(run.Completion, TimeSpan.FromSeconds(9));
        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);

        isBroken = false;
        await Rig.UntilAsync(() => rig.Engine.RunningWorkflows.Count == 0, "the run to be let go");
        await rig.DriveAsync(Task.Run(async () =>
        {
            while (await rig.Engine.RecoverAsync() == 0)
            {
                processes.LetLeasesRunOut();
            }
        }));
        var state = await rig.DriveAsync((await rig.Engine.GetRunAsync("run"))!.Completion);
        state.Status.Should().Be(WorkflowStatus.Completed);
        state.Redeliveries.Should().BeEmpty("the process lived");
    }

    private static void ThrowIf(bool isDue)
    {
        if (isDue)
        {
            throw new StateException(ErrorCodes.StateUnavailable, "The store is locked.") { IsTransient = true };
        }
    }
}
