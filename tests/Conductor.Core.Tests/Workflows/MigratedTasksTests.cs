using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>What a run has of its old definition once it goes on with another.</summary>
public sealed class MigratedTasksTests
{
    private static readonly WorkflowDefinition _without = Chain() with
    {
        Version = "2", Tasks = [new TaskDefinition { Id = "second", AgentType = AgentType.Coding }],
    };

    private static readonly WorkflowDefinition _loop = WorkflowDefinition.Create("loop")
        .Phase(WorkflowPhase.Development, static phase =>
        {
            phase.Task("docs", AgentType.Coding);
            phase.Task("code", AgentType.Coding);
        })
        .Phase(WorkflowPhase.DevOps, static phase => phase.Task("pack", AgentType.Coding))
        .Phase(WorkflowPhase.Monitoring, static phase => phase.Task("watch", AgentType.Coding))
        .Build();

    [Fact]
    public async Task Migrate_DefinitionHasAnotherName_RunIsListedUnderIt()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        processes.LetLeasesRunOut();

        var (heir, run) = await MigrateAsync(processes, Chain() with { Name = "renamed" });

        (await heir.DriveAsync(run.Completion)).DefinitionName.Should().Be("renamed");
        (await heir.Engine.ListRunsAsync(new WorkflowQuery { DefinitionName = "renamed" })).Items.Should().ContainSingle();
        (await heir.Engine.ListRunsAsync(new WorkflowQuery { DefinitionName = "chain" })).Items.Should().BeEmpty();
    }

    [Fact]
    public async Task Migrate_DefinitionLacksAFinishedTask_ItsResultIsLeftOutAndKeptUnderItsRound()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        processes.LetLeasesRunOut();

        var (heir, run) = await MigrateAsync(processes, _without);

        var state = await heir.DriveAsync(run.Completion);
        state.TaskResults.Keys.Should().Equal("second");
        (state.TaskCount, state.CompletedTasks).Should().Be((1, 1));
        (await processes.Store.GetTaskResultAsync("run", "first", 0))!.Output.Get<string>().Should().Be("first done");
    }

    /// <summary>A deployment is rolled back: what was done before is not done again.</summary>
    [Fact]
    public async Task Migrate_BackToADefinitionThatHasTheTask_ItsResultCountsAgain()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        processes.LetLeasesRunOut();
        await MigrateAndLeaveAsync(processes, _without, StuckOn("second"));
        (await processes.Store.GetWorkflowStateAsync("run"))!.TaskResults.Should().BeEmpty();

        var (heir, run) = await MigrateAsync(processes, Chain());

        var state = await heir.DriveAsync(run.Completion);
        state.TaskResults.Keys.Should().BeEquivalentTo("first", "second", "third");
        state.TaskResults["first"].AgentId.Should().Be("dead", "it ran once");
        (await processes.Store.GetWorkflowHistoryAsync("run"))!.Events
            .Count(static happening => happening is { Kind: WorkflowEventKind.TaskStarted, TaskId: "first" }).Should().Be(1);
        state.Redeliveries.Select(static redelivery => redelivery.TaskId).Should().Equal(["second"], "only the first owner died");
    }

    [Fact]
    public async Task Migrate_BackToADefinitionThatHasTheTaskInAPhaseThatIsOver_GoesOn()
    {
        await using var processes = new Processes();
        var definition = Chain() with
        {
            Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps],
            Tasks =
            [
                new TaskDefinition { Id = "first", AgentType = AgentType.Coding, Phase = WorkflowPhase.Development },
                new TaskDefinition { Id = "second", AgentType = AgentType.Coding, Phase = WorkflowPhase.DevOps },
            ],
        };
        await KillAsync(processes, definition, times: 1);
        await MigrateAndLeaveAsync(processes, definition with { Version = "2", Tasks = [definition.Tasks[1]] }, StuckOn("second"));

        var (heir, run) = await MigrateAsync(processes, definition);

        var state = await heir.DriveAsync(run.Completion);
        (state.Status, state.CompletedTasks).Should().Be((WorkflowStatus.Completed, 2));
    }

    /// <summary>Feedback asked for it again, and while the definition lacked it nobody did it.</summary>
    [Theory]
    [Trait("Behaviour", "11")]
    [InlineData]
    [InlineData("code")]
    public async Task Migrate_BackToADefinitionWithATaskThatFeedbackReopened_RunsItAgain(params string[] affected)
    {
        await using var processes = new Processes();
        await RollForthInAFeedbackRoundAsync(processes, "pack", affected);

        var (heir, run) = await MigrateAsync(processes, _loop);

        var state = await heir.DriveAsync(run.Completion);
        (state.Status, state.Round, state.TaskResults["pack"].Round).Should().Be((WorkflowStatus.Completed, 1, 1));
        (await processes.Store.GetTaskResultAsync("run", "pack", 0))!.Status.Should().Be(AgentTaskStatus.Completed, "what was is kept");
    }

    [Fact]
    [Trait("Behaviour", "12")]
    public async Task Migrate_BackToADefinitionWithATaskThatFeedbackLeftAlone_ItsResultCountsAgain()
    {
        await using var processes = new Processes();
        await RollForthInAFeedbackRoundAsync(processes, "docs", "code");

        var (heir, run) = await MigrateAsync(processes, _loop);

        var state = await heir.DriveAsync(run.Completion);
        (state.Status, state.Round, state.TaskResults["docs"].Round).Should().Be((WorkflowStatus.Completed, 1, 0));
        (await processes.Store.GetWorkflowHistoryAsync("run"))!.Events
            .Count(static happening => happening is { Kind: WorkflowEventKind.TaskStarted, TaskId: "docs" }).Should().Be(1);
    }

    /// <summary>Its migration is among the events that are kept no longer.</summary>
    [Fact]
    public async Task Migrate_BackOnceTheStoreKeepsNoEventOfTheMigration_ResultCountsAgain()
    {
        await using var processes = new Processes(new RetentionOptions { MaxEventsPerWorkflow = 1 });
        await LeaveOnSecondAsync(processes);
        processes.LetLeasesRunOut();
        await MigrateAndLeaveAsync(processes, _without, StuckOn("second"));

        var ran = new ConcurrentQueue<string>();
        var (heir, run) = await MigrateAsync(processes, Chain(), (task, _) =>
        {
            ran.Enqueue(task.Task.Id);
            return new ValueTask<TaskData>(TaskData.Empty);
        });

        (await heir.DriveAsync(run.Completion)).TaskResults["first"].AgentId.Should().Be("dead");
        ran.Should().Equal("second", "third");
    }

    /// <summary>No definition before had the tasks that it adds, however many they are.</summary>
    [Fact]
    public async Task Migrate_ForTheFirstTime_StoreIsNotAskedForResultsOfTasksItAdds()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        processes.LetLeasesRunOut();
        var store = new TroubledStateManager(processes.Store);
        var asked = 0;
        store.Trouble["GetTaskResultAsync"] = () =>
        {
            asked++;
            return Task.CompletedTask;
        };
        var added = Enumerable.Range(0, 50).Select(static i => new TaskDefinition { Id = $"new-{i}", AgentType = AgentType.Coding });

        var (heir, run) = await MigrateAsync(processes, Chain() with { Version = "2", Tasks = [.. Chain().Tasks, .. added] }, store: store);

        (await heir.DriveAsync(run.Completion)).CompletedTasks.Should().Be(53);
        asked.Should().Be(0);
    }

    /// <summary>Leaves a run in its second round, on the task that is done again, with a definition that lacks a task of the first.</summary>
    private static async Task RollForthInAFeedbackRoundAsync(Processes processes, string without, params string[] affected)
    {
        var owner = await processes.StartAsync();
        await owner.AddAsync(StuckOnceSentBackAsync);
        await owner.Engine.StartWorkflowAsync(_loop, Run);
        await UntilAsync(processes, static state => state.Round == 1);
        await LeaveAsync(owner);
        await MigrateAndLeaveAsync(
            processes, _loop with { Version = "2", Tasks = [.. _loop.Tasks.Where(task => task.Id != without)] }, StuckOnceSentBackAsync);

        async ValueTask<TaskData> StuckOnceSentBackAsync(TaskContext task, CancellationToken cancellationToken)
        {
            if (task.Round == 1)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            else if (task.Task.Id == "watch")
            {
                task.SendBack(FeedbackSeverity.Error, "wrong", affected);
            }

            return TaskData.Empty;
        }
    }

    private static async Task MigrateAndLeaveAsync(
        Processes processes, WorkflowDefinition definition, Func<TaskContext, CancellationToken, ValueTask<TaskData>> agent) =>
        await LeaveAsync((await MigrateAsync(processes, definition, agent)).Heir);

    private static async Task LeaveAsync(Rig owner)
    {
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task that is left to run");
        await owner.Engine.StopAsync(new CancellationToken(canceled: true));
    }

    private static async Task<(Rig Heir, WorkflowRun Run)> MigrateAsync(
        Processes processes,
        WorkflowDefinition definition,
        Func<TaskContext, CancellationToken, ValueTask<TaskData>>? agent = null,
        StateManager? store = null)
    {
        var heir = await processes.StartAsync(wrap: known => store ?? known);
        await heir.AddAsync(agent ?? StuckOn());
        return (heir, await heir.Engine.StartWorkflowAsync(
            definition, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }));
    }
}
