using Conductor.Agents;
using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>Which agents took part in a run, and which one a task that was cancelled had.</summary>
public sealed class ParticipantTests
{
    [Fact]
    public async Task Run_TaskThatOneAgentFailedAtAndAnotherDid_BothTookPart()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => throw new TimeoutException("slow"), id: "a");
        await rig.AddAsync(static _ => TaskData.Empty, id: "b");

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(OneTask()).AsTask());

        state.ParticipatingAgents.Should().Equal("a", "b");
        (state.TaskResults["t"].AgentId, state.TaskResults["t"].Attempts).Should().Be(("b", 2));
    }

    [Fact]
    public async Task Run_CancelledWithATaskUnderWay_SaysWhichAgentHadIt()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(HangAsync, id: "a");
        var run = await rig.Engine.StartWorkflowAsync(OneTask());
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to begin");

        await run.CancelAsync();

        var state = await rig.DriveAsync(run.Completion);
        (state.TaskResults["t"].Status, state.TaskResults["t"].AgentId, state.TaskResults["t"].Attempts).Should().Be((AgentTaskStatus.Cancelled, "a", 1));
        state.ParticipatingAgents.Should().Equal("a");
    }

    [Fact]
    public async Task Run_CancelledBetweenTwoAttempts_SaysWhichAgentHadTheFirst()
    {
        await using var rig = await Rig.StartAsync();
        var failed = new TaskCompletionSource();
        await rig.AddAsync(
            _ =>
            {
                failed.TrySetResult();
                throw new TimeoutException("slow");
            },
            id: "a");
        var run = await rig.Engine.StartWorkflowAsync(OneTask());
        await failed.Task;
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 0, "the attempt to end");

        await run.CancelAsync();

        var state = await rig.DriveAsync(run.Completion);
        (state.TaskResults["t"].AgentId, state.TaskResults["t"].Attempts).Should().Be(("a", 1));
    }

    /// <summary>Its failure is in the history, and the next owner begins the task anew.</summary>
    [Fact]
    public async Task Run_HandedOverBetweenTwoAttempts_TheAgentOfTheFirstTookPart()
    {
        await using var processes = new Processes();
        var first = await processes.StartAsync();
        await first.AddAsync(static _ => throw new TimeoutException("slow"), id: "a");
        var run = await first.Engine.StartWorkflowAsync(OneTask(), DeadOwners.Run);
        await run.WatchAsync().FirstAsync(static happening => happening.Kind == WorkflowEventKind.TaskRetrying);
        await first.DriveAsync(first.Engine.StopAsync().AsTask());
        var second = await processes.StartAsync();
        await second.AddAsync(static _ => TaskData.Empty, id: "b");

        await second.Engine.RecoverAsync();

        (await DeadOwners.CompleteAsync(second)).ParticipatingAgents.Should().Equal("a", "b");
    }

    [Fact]
    public async Task Run_CancelledWithATaskThatWaits_NamesNoAgent()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(HangAsync, id: "a");
        var other = rig.DispatchAsync();
        var run = await rig.Engine.StartWorkflowAsync(OneTask());
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the task to wait");

        await run.CancelAsync();

        var state = await rig.DriveAsync(run.Completion);
        (state.TaskResults["t"].Status, state.TaskResults["t"].AgentId, state.TaskResults["t"].Attempts).Should().Be((AgentTaskStatus.Cancelled, null, 0));
        state.ParticipatingAgents.Should().BeEmpty();
        other.IsCompleted.Should().BeFalse();
    }

    private static async ValueTask<TaskData> HangAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, task.TimeProvider, cancellationToken);
        return TaskData.Empty;
    }

    private static WorkflowDefinition OneTask() =>
        WorkflowDefinition.Create("one").Phase(WorkflowPhase.Development, static phase => phase.Task("t", AgentType.Coding)).Build();
}
