using System.Collections.Concurrent;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>Tasks under which processes die: counted, tried alone, and given up.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task RecoverAsync_TaskKilledItsProcessThreeTimes_IsDeadLetteredAndTheGateJudges()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 3);
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => throw new InvalidOperationException("must not run"));
        await heir.Engine.RecoverAsync();

        var state = await CompleteAsync(heir);
        state.Error!.Code.Should().Be(ErrorCodes.PhaseGateFailed);
        state.TaskResults["second"].Error!.Code.Should().Be(ErrorCodes.TaskCrashed);
        state.TaskResults["third"].Status.Should().Be(AgentTaskStatus.Blocked);
        var letter = (await heir.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which;
        letter.Task!.Id.Should().Be("second");
        letter.Code.Should().Be(ErrorCodes.TaskCrashed);
        letter.IdempotencyKey.Should().Be("run:second:0");
    }

    [Fact]
    public async Task RecoverAsync_OptionalTaskKilledItsProcessThreeTimes_IsSkipped()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(optional: true), times: 3);
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done");
        await heir.Engine.RecoverAsync();
        var state = await CompleteAsync(heir);
        state.Status.Should().Be(WorkflowStatus.Completed);
        state.TaskResults["second"].Status.Should().Be(AgentTaskStatus.Skipped);
        (await heir.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task RecoverAsync_OneCrashBeforeTheEnd_SuspectsRunAlone()
    {
        await using var processes = new Processes();
        WorkflowDefinition four = new()
        {
            Name = "four",
            Phases = [WorkflowPhase.Development],
            Tasks = [.. "abcd".Select(static id => new TaskDefinition { Id = $"{id}", AgentType = AgentType.Coding })],
        };
        await KillAsync(processes, four, times: 2, agents: 4, stuckOn: ["a", "b", "c", "d"]);

        var heir = await processes.StartAsync();
        var (running, most) = (0, 0);
        var gate = new Lock();
        for (var i = 0; i < 4; i++)
        {
            await heir.AddAsync(async (task, token) =>
            {
                lock (gate)
                {
                    most = Math.Max(most, ++running);
                }

                await Task.Delay(TimeSpan.FromSeconds(1), task.TimeProvider, token);
                lock (gate)
                {
                    running--;
                }

                return "done";
            });
        }

        await heir.Engine.RecoverAsync();
        (await CompleteAsync(heir)).CompletedTasks.Should().Be(4);
        most.Should().Be(1);
    }

    /// <summary>What only waited for an agent killed nobody.</summary>
    [Fact]
    public async Task RecoverAsync_TasksWaitedForAnAgent_OnlyWhatRanIsCounted()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Two(), times: 2, agents: 1, stuckOn: ["a"]);
        var heir = await processes.StartAsync();
        var deliveries = new ConcurrentDictionary<string, int>();
        await heir.AddAsync(task =>
        {
            deliveries[task.Task.Id] = task.Delivery;
            return "done";
        });

        await heir.Engine.RecoverAsync();

        (await CompleteAsync(heir)).Redeliveries.Should().ContainSingle().Which.Should()
            .Match<TaskRedelivery>(static of => of.TaskId == "a" && of.Crashes == 2);
        deliveries.Should().BeEquivalentTo(new Dictionary<string, int> { ["a"] = 3, ["b"] = 1 });
    }

    /// <summary>Their agents would do little but wait for commits.</summary>
    [Fact]
    public async Task StartWorkflowAsync_TasksAreKnownToBeBrief_TheyCountFromTheirHandOverOn()
    {
        await using var processes = new Processes();
        Rig? rig = null;
        rig = await processes.StartAsync(wrap: store => new InterceptedStateManager(store) { BeforeCommit = _ => rig!.Time.Advance(TimeSpan.FromSeconds(1)) });
        var stuck = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            await (task.Task.Id == "other" ? stuck.Task : Task.CompletedTask);
            return "done";
        });
        await rig.Engine.RunWorkflowAsync(Two());

        await rig.Engine.StartWorkflowAsync(Two() with { Tasks = [.. Other().Tasks, .. Two().Tasks] }, Run);

        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the first to run");
        (await processes.Store.GetWorkflowHistoryAsync("run"))!.Events.Count(
            static happening => happening.Kind == WorkflowEventKind.TaskStarted).Should().Be(3);
        stuck.SetResult();
    }

    /// <summary>It has its agent, and the store cannot be told: it must not begin, since nobody would know.</summary>
    [Fact]
    public async Task StartWorkflowAsync_TheStartOfATaskCannotBeCommitted_ItDoesNotBegin()
    {
        await using var processes = new Processes();
        var begun = 0;
        var rig = await processes.StartAsync(wrap: store => new InterceptedStateManager(store)
        {
            BeforeCommit = static number => _ = number == 1 ? number : throw new IOException("the disk is gone"),
        });
        await rig.AddAsync(_ => TaskData.From(++begun));

        var run = await rig.Engine.StartWorkflowAsync(Two(), Run);

        await FluentActions.Awaiting(() => run.Completion.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<IOException>();
        begun.Should().Be(0);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1407, "no task failed");
    }

    /// <summary>Who is told of a step may need the agent that the step gives a task to.</summary>
    [Fact]
    public async Task StartWorkflowAsync_ProgressWaitsForADispatch_TheTasksThatHaveTheirAgentsBegin()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var (asked, result) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), default(TaskResult));

        // The run's task is not over before somebody is told of its begin.
        await rig.AddAsync(async (_, _) =>
        {
            await asked.Task;
            return TaskData.From("done");
        });
        var progress = new CallingProgress(_ =>
        {
            if (rig.Coordinator.RunningTasks > 0 && asked.TrySetResult())
            {
                result = rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(20)).GetAwaiter().GetResult();
            }
        });

        var run = await rig.Engine.StartWorkflowAsync(Other(), new WorkflowRunOptions { RunId = "run", Progress = progress });

        (await run.Completion.WaitAsync(TimeSpan.FromSeconds(20))).Status.Should().Be(WorkflowStatus.Completed);
        result.Should().NotBeNull("the agent was free again while the run waited for whoever it tells");
    }

    /// <summary>
    /// Suspects wait for a turn alone, for as long as another run's task takes. Should the process die meanwhile, what is over must not run again,
    /// nor be convicted.
    /// </summary>
    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RecoverAsync_OneSuspectIsOverAndTheNextWaits_TheResultIsStored()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Two(), times: 2, agents: 2, stuckOn: ["a", "b"]);
        var (heir, first, other) = await StartHeirAsync(processes, suspect: "a");
        await heir.Engine.RecoverAsync();
        await Rig.UntilAsync(() => heir.Coordinator.RunningTasks == 1, "the first to run alone");
        await heir.Engine.StartWorkflowAsync(Other());

        first.SetResult();
        await Rig.UntilAsync(() => other.Task.IsCompleted || heir.Coordinator.RunningTasks == 1, "the other run to have its turn");
        await FinishedAsync(processes, "a");

        (await processes.Store.GetWorkflowStateAsync("run"))!.TaskResults.Keys.Should().Equal("a");
        other.SetResult();
        (await CompleteAsync(heir)).CompletedTasks.Should().Be(2);
    }

    /// <summary>What waits has not begun: the run is migrated at once.</summary>
    [Fact]
    public async Task StartWorkflowAsync_SuspectWaitsForItsTurn_TheRunIsMigratedAtOnce()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Two(), times: 2, agents: 2, stuckOn: ["a", "b"]);
        var (heir, first, other) = await StartHeirAsync(processes, suspect: "a");
        await heir.Engine.StartWorkflowAsync(Other());
        await Rig.UntilAsync(() => heir.Coordinator.RunningTasks == 1, "the other run to have its turn");
        await heir.Engine.RecoverAsync();

        await heir.Engine.StartWorkflowAsync(
            Two() with { Version = "2" }, new() { RunId = "run", Migrate = static migration => migration.To }).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        first.SetResult();
        other.SetResult();
        (await CompleteAsync(heir)).DefinitionVersion.Should().Be("2");
    }

    private static WorkflowDefinition Two() => new()
    {
        Name = "two",
        Phases = [WorkflowPhase.Development],
        Tasks = [.. "ab".Select(static id => new TaskDefinition { Id = $"{id}", AgentType = AgentType.Coding })],
    };

    private static WorkflowDefinition Other() => Two() with { Name = "other", Tasks = [new TaskDefinition { Id = "other", AgentType = AgentType.Coding }] };

    /// <summary>An owner whose agents hold up one suspect, and another run's task, until they are told.</summary>
    private static async Task<(Rig Heir, TaskCompletionSource First, TaskCompletionSource Other)> StartHeirAsync(Processes processes, string suspect)
    {
        var heir = await processes.StartAsync();
        var (first, other) = (new TaskCompletionSource(), new TaskCompletionSource());
        for (var i = 0; i < 3; i++)
        {
            await heir.AddAsync(async (task, _) =>
            {
                await (task.Task.Id == suspect ? first.Task : task.Task.Id == "other" ? other.Task : Task.CompletedTask);
                return "done";
            });
        }

        return (heir, first, other);
    }
}
