using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Watching a run that the store forgets as soon as it is over.</summary>
public sealed class WatchUnkeptRunTests
{
    private static WorkflowDefinition Two { get; } = WorkflowDefinition.Create("two")
        .Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding))
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps).After("code"))
        .Build();

    [Fact]
    public async Task WatchAsync_RunIsForgottenBeforeItsEndIsTaken_ASnapshotTellsTheEnd()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await StartAsync(goOn.Task);
        await using var run = await rig.Engine.StartWorkflowAsync(Two);
        var events = new List<WorkflowEvent>();

        await foreach (var happening in run.WatchAsync())
        {
            events.Add(happening);
            goOn.TrySetResult();
            await run.Completion;
        }

        events.Select(static happening => happening.Kind).Should().Equal(
            WorkflowEventKind.WorkflowStarted, WorkflowEventKind.PhaseStarted, WorkflowEventKind.TaskStarted, WorkflowEventKind.Snapshot);
        (events[^1].Position, events[^1].WorkflowStatus).Should().Be((10, WorkflowStatus.Completed));
        events[^1].Message.Should().Be("2 of 2 task(s) finished; events up to 10 are no longer kept.");
    }

    [Fact]
    public async Task WatchAsync_RunIsForgottenAndItsEndWasSeenBefore_EndsWithoutOne()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var rig = await StartAsync(goOn.Task);
        await using var run = await rig.Engine.StartWorkflowAsync(Two);
        var (unseen, seen) = (PositionsAsync(run, after: 9), PositionsAsync(run, after: 10));

        goOn.SetResult();

        (await unseen).Should().Equal(10);
        (await seen).Should().BeEmpty("nothing came after what was seen");
    }

    [Fact]
    public async Task WatchAsync_RunIsDeletedWhileItRuns_EndsWithoutOne()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StoreTrouble.Stuck);
        await using var run = await rig.Engine.StartWorkflowAsync(Two);
        await rig.State.DeleteWorkflowAsync(run.RunId);

        (await PositionsAsync(run, after: 0)).Should().BeEmpty("it has no end to tell of");
    }

    /// <summary>One that keeps no run, and whose first task goes on when it is told.</summary>
    private static async Task<Rig> StartAsync(Task goOn)
    {
        var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxFinishedWorkflows = 0 } });
        await rig.AddAsync(async (_, token) =>
        {
            await goOn.WaitAsync(token);
            return TaskData.Empty;
        });
        await rig.AddAsync(_ => TaskData.Empty, AgentType.DevOps);
        return rig;
    }

    private static async Task<List<long>> PositionsAsync(WorkflowRun run, long after)
    {
        var positions = new List<long>();
        await foreach (var happening in run.WatchAsync(after))
        {
            positions.Add(happening.Position);
        }

        return positions;
    }
}
