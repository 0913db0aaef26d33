using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class MigrationTests
{
    private static readonly WorkflowDefinition _before = new()
    {
        Name = "w",
        Version = "1",
        Phases = [WorkflowPhase.Development],
        Tasks =
        [
            new TaskDefinition { Id = "a", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "b", AgentType = AgentType.Coding, DependsOn = ["a"] },
        ],
    };

    private static readonly WorkflowDefinition _after = _before with
    {
        Version = "2",
        Tasks =
        [
            new TaskDefinition { Id = "a", AgentType = AgentType.Coding },
            new TaskDefinition { Id = "c", AgentType = AgentType.Coding, DependsOn = ["a"], Timeout = TimeSpan.FromMinutes(9) },
        ],
    };

    [Fact]
    public async Task StartWorkflowAsync_IdOfARunWithAnotherDefinition_IsRefusedWithWhatIsDifferent()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => "done");
        await rig.Engine.RunWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        var changed = _before with { Tasks = [_before.Tasks[0] with { Priority = TaskPriority.High }, _after.Tasks[1]], Version = "2" };
        var act = async () => await rig.Engine.StartWorkflowAsync(changed, new WorkflowRunOptions { RunId = "run" });
        (await act.Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should()
            .StartWith($"Run 'run' does not go on with workflow '{_before.Name}':").And.Contain("version: 1 → 2").And.Contain("task 'b' is gone").And.Contain("task 'c' is new").And.Contain("task 'a' priority: Medium → High");
    }

    /// <summary>The same lines in every life of a program, also in those after the run's end.</summary>
    [Fact]
    public async Task StartWorkflowAsync_MigrateGivenForARunThatIsOver_GivesItAsItEnded()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => "done");
        await rig.Engine.RunWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });

        var run = await rig.Engine.StartWorkflowAsync(
            _after, new WorkflowRunOptions { RunId = "run", Migrate = static _ => throw new InvalidDataException("nothing goes on") });

        var state = await rig.DriveAsync(run.Completion);
        (state.Status, state.DefinitionVersion).Should().Be((WorkflowStatus.Completed, "1"));
        state.TaskResults.Keys.Should().BeEquivalentTo("a", "b");
    }

    [Fact]
    public async Task StartWorkflowAsync_MigrateGiven_GoesOnWithTheNewDefinition()
    {
        await using var processes = new Processes();
        var before = await processes.StartAsync();
        var secondBegun = false;
        await before.AddAsync(async (task, token) =>
        {
            if (task.Task.Id == "b")
            {
                secondBegun = true;
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
            }

            return "before";
        });
        await before.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => before.Coordinator.RunningTasks == 1 && secondBegun, "b to run");
        await before.Engine.StopAsync(new CancellationToken(canceled: true));

        var after = await processes.StartAsync();
        await after.AddAsync(static _ => "after");
        WorkflowMigration? seen = null;
        var run = await after.Engine.StartWorkflowAsync(_after, new WorkflowRunOptions
        {
            RunId = "run",
            Migrate = migration =>
            {
                seen = migration;
                return migration.To;
            },
        });
        var state = await after.DriveAsync(run.Completion);
        state.Status.Should().Be(WorkflowStatus.Completed);
        state.DefinitionVersion.Should().Be("2");
        state.TaskResults["a"].Output.Get<string>().Should().Be("before");
        state.TaskResults["c"].Output.Get<string>().Should().Be("after");
        seen!.From.Version.Should().Be("1");
        seen.State.TaskResults.Keys.Should().Equal("a");
        seen.Differences.Should().Contain("task 'b' is gone");
        (await processes.Store.GetWorkflowDefinitionAsync("run"))!.Version.Should().Be("2");
        (await processes.Store.GetWorkflowHistoryAsync("run"))!.Events.Should().Contain(static happening => happening.Kind == WorkflowEventKind.Migrated);
    }

    [Fact]
    public async Task StartWorkflowAsync_RunInProgressHere_IsDrainedAndMigrated()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            return task.Task.Id;
        });
        var first = rig.Engine.RunWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" }).AsTask();
        await begun.Task;
        var start = rig.Engine.StartWorkflowAsync(_after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }).AsTask();
        release.SetResult();
        var state = await rig.DriveAsync((await rig.DriveAsync(start)).Completion);
        state.TaskResults.Keys.Should().BeEquivalentTo("a", "c");
        state.Redeliveries.Should().BeEmpty();
        (await first.WaitAsync(TimeSpan.FromSeconds(20))).DefinitionVersion.Should().Be("2", "whoever awaited the run awaits what it became");
    }

    [Fact]
    public async Task StartWorkflowAsync_ByATaskOfTheRunItself_IsRefusedAtOnce()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, token) =>
        {
            if (task.Task.Id == "a")
            {
                await Task.Yield();
                await rig.Engine.StartWorkflowAsync(_after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }, token);
            }

            return task.Task.Id;
        });

        var state = await rig.Engine.RunWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" }).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        state.TaskResults["a"].Error!.Code.Should().Be(ErrorCodes.StateConflict);
        state.TaskResults["a"].Error!.Message.Should().Contain("Task 'a' of run 'run'").And.Contain("its own end");
        (state.TaskResults["a"].Attempts, state.DefinitionVersion).Should().Be((1, "1"));
    }

    [Fact]
    public async Task StartWorkflowAsync_ByATaskOfTheRunItselfThatKeepsItsToken_TheLogSaysWhatItMayWaitFor()
    {
        await using var rig = await Rig.StartAsync();
        var asked = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            var start = rig.Engine.StartWorkflowAsync(
                _after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }, CancellationToken.None).AsTask();
            asked.TrySetResult();
            await start;
            return task.Task.Id;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        await asked.Task;

        await rig.DriveAsync(
            Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1427), "the log to say so"), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task StartWorkflowAsync_ByATaskOfAnotherRun_Migrates()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, asked, release) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, _) =>
        {
            begun.TrySetResult();
            await release.Task;
            return task.Task.Id;
        });
        await rig.AddAsync(
            async (_, token) =>
            {
                var start = rig.Engine.StartWorkflowAsync(
                    _after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }, token).AsTask();
                asked.TrySetResult();
                await (await start).DisposeAsync();
                return "migrated";
            },
            AgentType.DevOps);
        await using var run = await rig.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        await begun.Task;
        var other = rig.Engine.RunWorkflowAsync(
            new WorkflowDefinition { Name = "other", Tasks = [new TaskDefinition { AgentType = AgentType.DevOps }] }).AsTask();
        await asked.Task;
        release.SetResult();

        (await rig.DriveAsync(other)).Status.Should().Be(WorkflowStatus.Completed);
        (await rig.DriveAsync(run.Completion)).DefinitionVersion.Should().Be("2");
    }

    [Fact]
    public async Task StartWorkflowAsync_RunHereWaitsForAnAgent_IsGivenBackAtOnce()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            if (task.WorkflowId is null)
            {
                await release.Task;
            }

            return task.Task.Id;
        });
        var busy = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the agent to be busy");
        await rig.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the run's task to wait");

        await using var run = await rig.Engine.StartWorkflowAsync(_after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To })
            .AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        release.SetResult();
        await busy;
        (await rig.DriveAsync(run.Completion)).DefinitionVersion.Should().Be("2");
    }

    [Fact]
    public async Task StartWorkflowAsync_InProgressElsewhere_IsRefused()
    {
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        await owner.AddAsync(NeverAsync);
        await owner.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        var other = await processes.StartAsync();
        var act = async () =>
            await other.Engine.StartWorkflowAsync(_after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To });
        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateConflict);
    }

    [Fact]
    public async Task StartWorkflowAsync_MigrateGivesADefinitionWithoutTheCurrentPhase_IsRefusedAndTheRunStays()
    {
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        await owner.AddAsync(NeverAsync);
        await owner.Engine.StartWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");
        await owner.Engine.StopAsync(new CancellationToken(canceled: true));
        var other = await processes.StartAsync();
        await other.AddAsync(static _ => "done");
        WorkflowDefinition elsewhere = new() { Name = "w", Version = "3", Phases = [WorkflowPhase.DevOps],
            Tasks = [new TaskDefinition { Id = "x", AgentType = AgentType.DevOps }] };
        var act = async () =>
            await other.Engine.StartWorkflowAsync(elsewhere, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To });
        (await act.Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should().Contain("development");
        (await other.Engine.RecoverAsync()).Should().Be(1, "the run is still there, with its own definition");
        (await other.DriveAsync((await other.Engine.GetRunAsync("run"))!.Completion)).DefinitionVersion.Should().Be("1");
    }

    [Fact]
    public async Task StartWorkflowAsync_MigrateAddsATaskToAPhaseThatIsOver_IsRefusedByName()
    {
        await using var processes = new Processes();
        var before = new WorkflowDefinition
        {
            Name = "w",
            Phases = [WorkflowPhase.Development, WorkflowPhase.DevOps],
            Tasks =
            [
                new TaskDefinition { Id = "a", AgentType = AgentType.Coding, Phase = WorkflowPhase.Development },
                new TaskDefinition { Id = "b", AgentType = AgentType.Coding, Phase = WorkflowPhase.DevOps },
            ],
        };
        var owner = await processes.StartAsync();
        await owner.AddAsync(static (task, token) => task.Task.Id == "a" ? new ValueTask<TaskData>("done") : NeverAsync(task, token));
        await owner.Engine.StartWorkflowAsync(before, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(
            () => processes.Store.GetWorkflowStateAsync("run").AsTask().GetAwaiter().GetResult()!.CurrentPhase == WorkflowPhase.DevOps, "the second phase");
        await owner.Engine.StopAsync(new CancellationToken(canceled: true));
        var other = await processes.StartAsync();
        await other.AddAsync(static _ => "done");
        var late = before with { Version = "2",
            Tasks = [.. before.Tasks, new TaskDefinition { Id = "late", AgentType = AgentType.Coding, Phase = WorkflowPhase.Development }] };

        var act = async () => await other.Engine.StartWorkflowAsync(late, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To });

        (await act.Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should().ContainAll("'late'", "'devops'");
        (await other.Engine.RecoverAsync()).Should().Be(1, "the run is still there, with its own definition");
    }

    /// <summary>It was drained for the migration only: nobody else looks after it as long as this engine lives.</summary>
    [Fact]
    public async Task StartWorkflowAsync_MigrateFailsUnderARunOfThisEngine_TheRunGoesOnAsItIs()
    {
        await using var rig = await Rig.StartAsync();
        var (first, release) = await StartHeldUpAsync(rig);
        var act = async () => await rig.Engine.StartWorkflowAsync(
            _after, new WorkflowRunOptions { RunId = "run", Migrate = static _ => throw new InvalidDataException("no way") });

        var migration = act.Should().ThrowAsync<InvalidDataException>();
        release.SetResult();
        await migration;

        var run = (await rig.Engine.GetRunAsync("run"))!;
        var state = await rig.DriveAsync(run.Completion);
        (state.Status, state.DefinitionVersion, state.CompletedTasks).Should().Be((WorkflowStatus.Completed, "1", 2));
        (await first.WaitAsync(TimeSpan.FromSeconds(20))).Status.Should().Be(WorkflowStatus.Completed, "whoever awaited it need not know");
    }

    [Fact]
    public async Task StartWorkflowAsync_MigrationIsGivenUpWhileTheRunDrains_TheRunGoesOnAsItIs()
    {
        await using var rig = await Rig.StartAsync();
        var (first, release) = await StartHeldUpAsync(rig);
        using var giveUp = new CancellationTokenSource();
        var start = rig.Engine.StartWorkflowAsync(
            _after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }, giveUp.Token).AsTask();
        await Rig.SettleAsync();

        await giveUp.CancelAsync();
        await FluentActions.Awaiting(() => start).Should().ThrowAsync<OperationCanceledException>("nobody has to wait for a task to give up");
        release.SetResult();

        var state = await first.WaitAsync(TimeSpan.FromSeconds(20));
        (state.Status, state.DefinitionVersion, state.CompletedTasks).Should().Be((WorkflowStatus.Completed, "1", 2));
    }

    /// <summary>They are told within the migration, as it ends: it must not be in their way.</summary>
    [Fact]
    public async Task StartWorkflowAsync_LeaseCannotBeHadAfterTheDrain_WhoeverAwaitedTheRunCanGoOnWithItAtOnce()
    {
        await using var processes = new Processes();
        var store = new TroubledStateManager(processes.Store);
        var rig = await processes.StartAsync(wrap: _ => store);
        var (first, release) = await StartHeldUpAsync(rig);
        var recovered = first.ContinueWith(
            _ =>
            {
                store.Trouble.Clear();
                return rig.Engine.RecoverAsync().AsTask();
            },
            TaskContinuationOptions.ExecuteSynchronously).Unwrap();
        store.Trouble[nameof(LeaseStore.TryAcquireAsync)] = StoreTrouble.Unavailable;
        var migration = rig.Engine.StartWorkflowAsync(
            _after, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To }).AsTask();

        release.SetResult();

        await FluentActions.Awaiting(() => rig.DriveAsync(migration)).Should().ThrowAsync<StateException>();
        (await rig.DriveAsync(recovered)).Should().Be(1);
    }

    /// <summary>A run whose first task ends when it is told to.</summary>
    private static async Task<(Task<WorkflowState> Run, TaskCompletionSource Release)> StartHeldUpAsync(Rig rig)
    {
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return "done";
        });
        var run = rig.Engine.RunWorkflowAsync(_before, new WorkflowRunOptions { RunId = "run" }).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        return (run, release);
    }

    private static async ValueTask<TaskData> NeverAsync(Conductor.Agents.TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return TaskData.Empty;
    }
}
