using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Going on with a run whose state somebody else saved: by hand, or at the same time as its owner.</summary>
public sealed class ResumeSavedStateTests
{
    private static readonly WorkflowDefinition _two = new()
    {
        Name = "two phases",
        Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps],
        Tasks =
        [
            new TaskDefinition { Id = "first", AgentType = AgentType.Coding, Phase = WorkflowPhase.Development },
            new TaskDefinition { Id = "second", AgentType = AgentType.Coding, Phase = WorkflowPhase.DevOps, DependsOn = ["first"] },
            new TaskDefinition { Id = "third", AgentType = AgentType.Coding, Phase = WorkflowPhase.DevOps, DependsOn = ["second"] },
        ],
    };

    [Fact]
    public async Task RecoverAsync_PhaseThatTheDefinitionDoesNotHave_IsRefusedAndSaidWhy()
    {
        await using var processes = new Processes();
        await SaveAsync(processes, _two, static state => state with { CurrentPhase = new WorkflowPhase("elsewhere") });
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done", id: "heir");

        for (var look = 0; look < 3; look++)
        {
            (await heir.Engine.RecoverAsync()).Should().Be(0);
        }

        heir.Logs.GetSnapshot().Where(static record => record.Id.Id == 1413).Should().ContainSingle("it is not tried at each look")
            .Which.Exception!.Message.Should().ContainAll("'elsewhere'", "'run'");
    }

    [Fact]
    public async Task RecoverAsync_PhaseBehindTasksThatNeverRan_DropsNoneOfThoseThatWaitForThem()
    {
        await using var processes = new Processes();
        await SaveAsync(processes, _two, static state => state with { CurrentPhase = WorkflowPhase.DevOps, PhaseHistory = [] });
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done", id: "heir");
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        var state = await heir.DriveAsync((await heir.Engine.GetRunAsync("run"))!.Completion);

        state.Status.Should().Be(WorkflowStatus.Failed);
        state.TaskResults.Values.Select(static result => (result.TaskId, result.Status)).Should()
            .Equal(("second", AgentTaskStatus.Blocked), ("third", AgentTaskStatus.Blocked));
        state.TaskResults["second"].Error!.Message.Should().Contain("'first'");
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(40, 1)]
    [InlineData(40, 3)]
    [InlineData(40, 17)]
    public async Task RecoverAsync_StateNamesAnAgentSeveralTimes_GoesOn(int names, int different)
    {
        await using var processes = new Processes();
        string[] agents = [.. Enumerable.Range(0, names).Select(i => $"agent-{i % different}")];
        var definition = new WorkflowDefinition { Name = "one task", Tasks = [new TaskDefinition { Id = "task", AgentType = AgentType.Coding }] };
        await SaveAsync(processes, definition, state => state with { ParticipatingAgents = agents });

        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done", id: "heir");
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        var run = (await heir.Engine.GetRunAsync("run"))!;
        var final = await heir.DriveAsync(run.Completion);
        final.Status.Should().Be(WorkflowStatus.Completed);
        final.ParticipatingAgents.Should().Equal([.. agents, "heir"], "what was saved stays, and who joined comes behind");
    }

    /// <summary>Leaves a run whose owner died in its first task, in a state of a test's own.</summary>
    private static async Task SaveAsync(Processes processes, WorkflowDefinition definition, Func<WorkflowState, WorkflowState> change)
    {
        var dead = await processes.StartAsync();
        await dead.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return "never";
        });
        await dead.Engine.StartWorkflowAsync(definition, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var state = (await processes.Store.GetWorkflowStateAsync("run"))!;
        await processes.Store.SaveWorkflowStateAsync(change(state), StateExpectation.AtVersion(state.StoreVersion));
    }
}
