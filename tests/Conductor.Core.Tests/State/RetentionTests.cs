using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.State;

/// <summary>How much the store in memory keeps, so that a process can live for a year.</summary>
public sealed class RetentionTests
{
    private readonly VirtualTimeProvider _time = new();
    private readonly FakeLogCollector _logs = new();

    [Fact]
    public async Task FinishedRuns_BeyondTheCount_TheOldestGoFirst()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 3 });

        for (var i = 0; i < 5; i++)
        {
            await FinishAsync(store, $"r{i}");
        }

        (await IdsAsync(store)).Should().BeEquivalentTo("r2", "r3", "r4");
        (await store.GetWorkflowStateAsync("r0")).Should().BeNull();
        (await store.GetTaskResultAsync("r0", "t", 0)).Should().BeNull();
        (await store.GetWorkflowHistoryAsync("r0")).Should().BeNull();
    }

    [Fact]
    public async Task RunningRuns_AreKeptHoweverManyFinish()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 1 });
        await store.CommitWorkflowAsync(Step("running", WorkflowStatus.InProgress));

        for (var i = 0; i < 5; i++)
        {
            await FinishAsync(store, $"r{i}");
        }

        (await IdsAsync(store)).Should().BeEquivalentTo("running", "r4");
    }

    [Fact]
    public async Task FinishedRuns_BeyondTheAge_AreForgottenWhenTheNextFinishes()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await FinishAsync(store, "old");

        _time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));
        await FinishAsync(store, "new");

        (await store.GetWorkflowStateAsync("old")).Should().BeNull();
        (await IdsAsync(store)).Should().Equal("new");
    }

    [Fact]
    public async Task FinishedRuns_BeyondTheAge_AreNotListed()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await FinishAsync(store, "old");

        _time.Advance(TimeSpan.FromDays(2));

        (await IdsAsync(store)).Should().BeEmpty();
    }

    [Fact]
    public async Task FinishedRuns_NoneKept_AreGoneAtOnce()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 0 });

        await FinishAsync(store, "r");

        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
    }

    /// <summary>Whoever ran it reads its final state before that.</summary>
    [Fact]
    public async Task FinishedRuns_NoneKept_AreGoneWhenTheLeaseIsReleased()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 0 });
        var lease = (await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("r"), "o", TimeSpan.FromMinutes(1)))!;
        await FinishAsync(store, "r");
        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull();

        await store.Leases.ReleaseAsync(lease);

        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
    }

    [Fact]
    public async Task FinishedRuns_EndedAndTakenUpAtOnce_AreNoMoreThanTheCount()
    {
        const int Runs = 200;
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 5 });
        for (var run = 0; run < Runs; run++)
        {
            var id = $"r{run}";
            using var start = new Barrier(3);
            await Task.WhenAll(new[] { WorkflowStatus.Completed, WorkflowStatus.InProgress, WorkflowStatus.Completed }.Select(status => Task.Run(async () =>
            {
                start.SignalAndWait();
                await store.SaveWorkflowStateAsync(State(id, status), StateExpectation.Any);
            })));
        }

        await FinishAsync(store, "last");
        (await store.ListWorkflowsAsync(new WorkflowQuery { Page = new PageRequest { Size = Runs + 1 } })).Items.Count(run => run.IsComplete).Should().Be(5);
    }

    /// <summary>Results may come before their run.</summary>
    [Fact]
    public async Task DeleteWorkflowAsync_ResultsThatCameBeforeTheRun_GoWithIt()
    {
        await using var store = await OpenAsync(new RetentionOptions());
        await store.SaveTaskResultAsync(Result("early", "r"));
        await FinishAsync(store, "r");

        await store.DeleteWorkflowAsync("r");

        (await store.GetTaskResultAsync("r", "early", 0)).Should().BeNull();
        (await store.SaveTaskResultAsync(Result("early", "r") with { Output = "new" })).Should().Be(RecordOutcome.Recorded);
        (await store.GetTaskResultAsync("r", "early", 0))!.Output.Get<string>().Should().Be("new");
    }

    [Fact]
    public async Task FinishedRun_SavedAgain_CountsOnce()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 2 });
        await FinishAsync(store, "a");
        for (var i = 0; i < 3; i++)
        {
            var state = (await store.GetWorkflowStateAsync("a"))!;
            await store.SaveWorkflowStateAsync(state);
        }

        await FinishAsync(store, "b");

        (await IdsAsync(store)).Should().BeEquivalentTo("a", "b");
    }

    [Fact]
    public async Task TaskResults_BeyondTheCount_TheOldestGoFirstWithTheirEffects()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 2 });
        for (var i = 0; i < 3; i++)
        {
            await store.Effects.RecordAsync(new EffectKey($"t{i}:0", $"t{i}:0", "call") { TaskId = $"t{i}" }, "value");
            await store.SaveTaskResultAsync(Result($"t{i}"));
        }

        (await store.GetTaskResultAsync("t0")).Should().BeNull();
        (await store.GetTaskResultAsync("t2")).Should().NotBeNull();
        (await store.Effects.GetAsync(new EffectKey("t0:0", "t0:0", "call"))).Should().BeNull();
        (await store.Effects.GetAsync(new EffectKey("t2:0", "t2:0", "call"))).Should().NotBeNull();
    }

    [Fact]
    public async Task TaskResults_BeyondTheAge_AreForgottenWhenTheNextIsSaved()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await store.SaveTaskResultAsync(Result("old"));

        _time.Advance(TimeSpan.FromDays(2));
        await store.SaveTaskResultAsync(Result("new"));

        (await store.GetTaskResultAsync("old")).Should().BeNull();
        (await store.GetTaskResultAsync("new")).Should().NotBeNull();
    }

    [Fact]
    public async Task FinishedRun_TakenUpAgain_IsKeptUntilItEndsAgain()
    {
        await using var store = new InMemoryStateManager(retention: new RetentionOptions { MaxFinishedWorkflows = 1 });
        await store.ConnectAsync();
        await EndAsync("a");
        await store.SaveWorkflowStateAsync(State("a", WorkflowStatus.InProgress) with { StoreVersion = 1 });
        await EndAsync("b");
        await EndAsync("c");
        (await store.GetWorkflowStateAsync("a"))!.Status.Should().Be(WorkflowStatus.InProgress, "it is not over");

        await store.SaveWorkflowStateAsync(State("a", WorkflowStatus.Completed) with { StoreVersion = 2 });
        (await store.GetWorkflowStateAsync("c")).Should().BeNull("the youngest stays");
        await EndAsync("d");
        (await store.GetWorkflowStateAsync("a")).Should().BeNull("it ended again");

        async Task EndAsync(string id) => await store.SaveWorkflowStateAsync(State(id, WorkflowStatus.Completed));
    }

    [Fact]
    public async Task FinishedRun_UnderALease_IsSparedAndKeepsNoOther()
    {
        await using var store = new InMemoryStateManager(retention: new RetentionOptions { MaxFinishedWorkflows = 1 });
        await store.ConnectAsync();
        var lease = (await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run-0"), "owner", TimeSpan.FromMinutes(1)))!;
        for (var run = 0; run < 5; run++)
        {
            await store.SaveWorkflowStateAsync(new WorkflowState { WorkflowId = $"run-{run}", DefinitionName = "any", Status = WorkflowStatus.Completed });
        }

        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().BeEquivalentTo("run-0", "run-4");

        await store.Leases.ReleaseAsync(lease);
        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().Equal("run-4");
    }

    [Fact]
    public async Task FinishedRun_NoneIsToBeKept_WhoeverRanItGetsItsFinalState()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxFinishedWorkflows = 0 } });
        for (var run = 0; run < 3; run++)
        {
            (await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" })).Status.Should().Be(WorkflowStatus.Completed);
        }

        (await rig.Engine.ListRunsAsync()).Items.Should().BeEmpty();
    }

    [Fact]
    public async Task DeadLetters_BeyondTheCount_TheOldestGoFirstAndTheLogSaysSo()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxDeadLetters = 2 });
        for (var i = 0; i < 3; i++)
        {
            await store.SaveDeadLetterAsync(Letter($"d{i}"));
        }

        (await store.ListDeadLettersAsync()).Items.Select(letter => letter.Id).Should().Equal("d1", "d2");
        _logs.GetSnapshot().Single(record => record.Id.Id == 1202).Message.Should().ContainAll("d0", "MaxDeadLetters");
    }

    /// <summary>A replay that fails again leaves a letter in the place of the one it replayed.</summary>
    [Fact]
    public async Task DeadLetters_OneMoreThatReplacesAnother_TakesThePlaceOfThat()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxDeadLetters = 3 });
        for (var i = 0; i < 3; i++)
        {
            await store.SaveDeadLetterAsync(Letter($"d{i}"));
        }

        await store.SaveDeadLetterAsync(Letter("again") with { ReplayOf = "d1" });

        (await store.ListDeadLettersAsync()).Items.Select(letter => letter.Id).Should().Equal("d0", "d2", "again");
        _logs.GetSnapshot().Should().NotContain(record => record.Id.Id == 1202);
        await store.SaveDeadLetterAsync(Letter("more") with { ReplayOf = "d1" });
        (await store.ListDeadLettersAsync()).Items.Select(letter => letter.Id).Should().Equal("d2", "again", "more");
    }

    [Fact]
    public async Task Events_BeyondTheCount_TheFirstPositionMoves()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxEventsPerWorkflow = 3 });
        await store.CommitWorkflowAsync(Step("r", WorkflowStatus.InProgress) with { Events = [.. Enumerable.Range(1, 5).Select(Event)] });

        var history = (await store.GetWorkflowHistoryAsync("r"))!;

        (history.FirstPosition, history.LastPosition).Should().Be((3, 5));
        history.Events.Select(happening => happening.Position).Should().Equal(3, 4, 5);
        (await store.GetWorkflowHistoryAsync("r", afterPosition: 4))!.Events.Select(happening => happening.Position).Should().Equal(5);
    }

    [Fact]
    public void Problems_OfBadSettings_QuoteSettingValueAndFix() =>
        new RetentionOptions { MaxFinishedWorkflows = -1, MaxTaskResults = 0, MaxDeadLetters = 0, MaxEventsPerWorkflow = 0, MaxAge = TimeSpan.Zero }
            .Problems("Root").Should()
                .HaveCount(5).And.OnlyContain(problem => problem.StartsWith("Root.Max", StringComparison.Ordinal) && problem.Contains("set it to"));

    [Fact]
    public async Task TaskResults_OfIdsMadeBeforeOthersThatWereRecorded_AreFoundAndRecordedOnce()
    {
        await using var store = new InMemoryStateManager();
        await store.ConnectAsync();
        var (older, younger) = (EntityId.New(), EntityId.New());

        (await store.GetTaskResultAsync(younger)).Should().BeNull();
        await store.SaveTaskResultAsync(Result(younger));
        (await store.GetTaskResultAsync(older)).Should().BeNull();
        await store.SaveTaskResultAsync(Result(older));

        (await store.GetTaskResultAsync(older))!.TaskId.Should().Be(older);
        (await store.GetTaskResultAsync(younger))!.TaskId.Should().Be(younger);
        (await store.SaveTaskResultAsync(Result(older))).Should().Be(RecordOutcome.AlreadyRecorded);
        (await store.SaveTaskResultAsync(Result(younger))).Should().Be(RecordOutcome.AlreadyRecorded);
    }

    private static TaskResult Result(string taskId, string? run = null) => new() { TaskId = taskId, WorkflowId = run, Status = AgentTaskStatus.Completed };

    private static async Task<IEnumerable<string>> IdsAsync(StateManager store) => (await store.ListWorkflowsAsync()).Items.Select(run => run.WorkflowId);

    private static WorkflowState State(string id, WorkflowStatus status) => new() { WorkflowId = id, DefinitionName = "any", Status = status };

    private ErrorRecord Letter(string id) => new() { Id = id, Code = "C", Message = "m", Timestamp = _time.GetUtcNow() };

    private WorkflowEvent Event(int position) => new()
    {
        Position = position, WorkflowId = "r", Kind = WorkflowEventKind.Warning, Timestamp = _time.GetUtcNow(),
    };

    private WorkflowTransition Step(string id, WorkflowStatus status) => new()
    {
        Summary = new WorkflowSummary { WorkflowId = id, DefinitionName = "d", Status = status, StartedAt = _time.GetUtcNow() },
        ExpectedVersion = 0,
    };

    private async Task FinishAsync(StateManager store, string id) =>
        await store.CommitWorkflowAsync(Step(id, WorkflowStatus.Completed) with { Results = [Result("t", id)] });

    private async Task<StateManager> OpenAsync(RetentionOptions options)
    {
        var store = new InMemoryStateManager(new ConductorEnvironment(_time, new FakeLoggerFactory(_logs)), options);
        await store.ConnectAsync();
        return store;
    }
}
