using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Going on with a run whose state somebody else saved: by hand, or at the same time as its owner.</summary>
public sealed class ResumeSavedStateTests
{
    [Theory]
    [InlineData(2, 1)]
    [InlineData(40, 1)]
    [InlineData(40, 3)]
    [InlineData(40, 17)]
    public async Task RecoverAsync_StateNamesAnAgentSeveralTimes_GoesOn(int names, int different)
    {
        await using var processes = new Processes();
        var dead = await processes.StartAsync();
        await dead.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return "never";
        });
        await dead.Engine.StartWorkflowAsync(
            new WorkflowDefinition { Name = "one task", Tasks = [new TaskDefinition { Id = "task", AgentType = AgentType.Coding }] },
            new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var state = (await processes.Store.GetWorkflowStateAsync("run"))!;
        string[] agents = [.. Enumerable.Range(0, names).Select(i => $"agent-{i % different}")];
        await processes.Store.SaveWorkflowStateAsync(state with { ParticipatingAgents = agents }, StateExpectation.AtVersion(state.StoreVersion));

        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done", id: "heir");
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        var run = (await heir.Engine.GetRunAsync("run"))!;
        var final = await heir.DriveAsync(run.Completion);
        final.Status.Should().Be(WorkflowStatus.Completed);
        final.ParticipatingAgents.Should().Equal([.. agents, "heir"], "what was saved stays, and who joined comes behind");
    }
}
