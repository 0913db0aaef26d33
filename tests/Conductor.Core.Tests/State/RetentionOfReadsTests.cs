using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.State;

/// <summary>What is older than its age is given by no read, whether anything else made the store look or not.</summary>
public sealed class RetentionOfReadsTests
{
    private readonly VirtualTimeProvider _time = new();

    [Fact]
    public async Task FinishedRun_BeyondTheAge_IsGivenByNoRead()
    {
        await using var store = await OpenAsync();
        await FinishAsync(store, "r");
        _time.Advance(TimeSpan.FromDays(30));

        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        await FinishAsync(store, "s");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetWorkflowHistoryAsync("s")).Should().BeNull();
        await FinishAsync(store, "t");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetWorkflowDefinitionAsync("t")).Should().BeNull();
        await FinishAsync(store, "u");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetTaskResultAsync("u", "task", 0)).Should().BeNull();
    }

    [Fact]
    public async Task FinishedRun_AtItsAge_IsGiven()
    {
        await using var store = await OpenAsync();
        await FinishAsync(store, "r");
        _time.Advance(RetentionOptions.DefaultMaxAge);

        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull();
    }

    [Fact]
    public async Task RunningRun_OfAnyAge_IsGiven()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Step("r", WorkflowStatus.InProgress));
        _time.Advance(TimeSpan.FromDays(300));

        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull();
    }

    [Fact]
    public async Task FinishedRun_BeyondTheAgeUnderALease_IsGivenUntilThatIsReleased()
    {
        await using var store = await OpenAsync();
        var lease = (await store.Leases.TryAcquireAsync("workflow:r", "owner", TimeSpan.FromDays(100)))!;
        await FinishAsync(store, "r");
        _time.Advance(TimeSpan.FromDays(30));

        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull("whoever ran it reads its final state before it releases the lease");
        await store.Leases.ReleaseAsync(lease);
        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
    }

    /// <summary>Whoever takes the lease starts the run anew: what was is not to be taken for that.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FinishedRun_BeyondTheAge_IsNotGivenUnderALeaseThatWasTakenSince(bool isTakenOver)
    {
        await using var store = await OpenAsync();
        var lease = (await store.Leases.TryAcquireAsync("workflow:r", "owner", TimeSpan.FromDays(isTakenOver ? 100 : 1)))!;
        await FinishAsync(store, "r");
        _time.Advance(TimeSpan.FromDays(20));

        var taken = isTakenOver
            ? await store.Leases.TryTakeOverAsync(lease, "other", TimeSpan.FromDays(1))
            : await store.Leases.TryAcquireAsync("workflow:r", "other", TimeSpan.FromDays(1));

        taken!.Fence.Should().Be(lease.Fence + 1);
        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        (await store.GetTaskResultAsync("r", "task", 0)).Should().BeNull();
        (await store.ListWorkflowsAsync()).Items.Should().BeEmpty();
        (await store.Leases.TryRenewAsync(taken, TimeSpan.FromDays(1))).Should().NotBeNull();
        (await store.CommitWorkflowAsync(Step("r", WorkflowStatus.InProgress) with { Lease = taken })).Should().Be(1);
    }

    /// <summary>To its reader there is none: what is saved must not go where nobody finds it.</summary>
    [Fact]
    public async Task FinishedRun_BeyondTheAge_TakesNothingThatIsSaved()
    {
        await using var store = await OpenAsync();
        foreach (var id in (string[])["result", "state", "version", "step"])
        {
            await FinishAsync(store, id);
        }

        _time.Advance(TimeSpan.FromDays(20));

        (await store.SaveTaskResultAsync(Result("task", "new") with { WorkflowId = "result" })).Should().Be(RecordOutcome.Recorded);
        (await store.GetTaskResultAsync("result", "task", 0))!.Output.Get<string>().Should().Be("new", "it came before its run");
        var state = new WorkflowState { WorkflowId = "state", DefinitionName = "new", Status = WorkflowStatus.InProgress };
        (await store.SaveWorkflowStateAsync(state, StateExpectation.Any)).Should().Be(1);
        (await store.GetWorkflowDefinitionAsync("state")).Should().BeNull();
        (await store.GetTaskResultAsync("state", "task", 0)).Should().BeNull();
        var atVersion = () => store.SaveWorkflowStateAsync(state with { WorkflowId = "version" }, StateExpectation.AtVersion(1)).AsTask();
        (await atVersion.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateConflict);
        var step = () => store.CommitWorkflowAsync(Step("step", WorkflowStatus.InProgress) with { ExpectedVersion = 1 }).AsTask();
        (await step.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateConflict);
    }

    [Fact]
    public async Task TaskResult_BeyondTheAge_IsNotGivenAndMayBeRecordedAgain()
    {
        await using var store = await OpenAsync();
        await store.SaveTaskResultAsync(Result("t", "old"));
        _time.Advance(TimeSpan.FromDays(30));

        (await store.GetTaskResultAsync("t")).Should().BeNull();
        (await store.SaveTaskResultAsync(Result("t", "new"))).Should().Be(RecordOutcome.Recorded, "nobody can read the one before");
        (await store.GetTaskResultAsync("t"))!.Output.Get<string>().Should().Be("new");
        (await store.SaveTaskResultAsync(Result("t", "newer"))).Should().Be(RecordOutcome.AlreadyRecorded);
    }

    /// <summary>Each dispatch of the id after that runs the task, and its effects with it.</summary>
    [Fact]
    public async Task Effect_OfAResultBeyondTheAge_IsNotGivenAndIsRecordedAnew()
    {
        await using var store = await OpenAsync();
        var key = new EffectKey("t:0", "t:0", "e") { TaskId = "t" };
        for (var week = 1; week <= 3; week++)
        {
            (await store.Effects.GetAsync(key)).Should().BeNull();
            (await store.Effects.RecordAsync(key, $"week {week}")).Get<string>().Should().Be($"week {week}");
            (await store.Effects.RecordAsync(key, "late")).Get<string>().Should().Be($"week {week}", "the task is still under way");
            await store.SaveTaskResultAsync(Result("t", $"{week}"));
            (await store.Effects.GetAsync(key))!.Get<string>().Should().Be($"week {week}");
            _time.Advance(RetentionOptions.DefaultMaxAge + TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Effect_OfAResultBeyondTheAgeWithADeadLetter_IsGivenAsLongAsThatIsThere()
    {
        await using var store = await OpenAsync();
        var key = new EffectKey("t:0", "t:0", "e") { TaskId = "t" };
        await store.Effects.RecordAsync(key, "first");
        await store.SaveDeadLetterAsync(new ErrorRecord { Id = "d", Code = "C", Message = "m", Timestamp = _time.GetUtcNow(), IdempotencyKey = "t:0" });
        await store.SaveTaskResultAsync(Result("t", "old"));
        _time.Advance(TimeSpan.FromDays(20));

        (await store.Effects.GetAsync(key))!.Get<string>().Should().Be("first", "a replay does not repeat it");
        (await store.Effects.RecordAsync(key, "second")).Get<string>().Should().Be("first");
        await store.DeleteDeadLetterAsync("d");
        (await store.Effects.RecordAsync(key, "third")).Get<string>().Should().Be("third");
    }

    [Fact]
    public async Task GetTaskResultAsync_NothingRecorded_LooksAtNoClock()
    {
        var clock = new CountingClock();
        await using var store = new InMemoryStateManager(new ConductorEnvironment(clock));
        await store.ConnectAsync();
        await store.SaveTaskResultAsync(Result("t", "known"));
        var before = clock.Looks;

        await store.GetTaskResultAsync("unknown");
        await store.GetWorkflowStateAsync("unknown");

        clock.Looks.Should().Be(before);
    }

    [Fact]
    public async Task TaskResult_SavedByHandWithARound_IsTheTasksOwn()
    {
        await using var store = await OpenAsync();

        (await store.SaveTaskResultAsync(Result("t", "first") with { Round = 2 })).Should().Be(RecordOutcome.Recorded);

        (await store.GetTaskResultAsync("t"))!.Round.Should().Be(2);
        (await store.SaveTaskResultAsync(Result("t", "second"))).Should().Be(RecordOutcome.AlreadyRecorded);
    }

    private static TaskResult Result(string id, string output) => new() { TaskId = id, Status = AgentTaskStatus.Completed, Output = output };

    private WorkflowTransition Step(string id, WorkflowStatus status) => new()
    {
        Summary = new WorkflowSummary { WorkflowId = id, DefinitionName = "d", Status = status, StartedAt = _time.GetUtcNow() },
        Definition = new WorkflowDefinition { Name = "d" },
        ExpectedVersion = 0,
    };

    private async Task FinishAsync(StateManager store, string id) => await store.CommitWorkflowAsync(
        Step(id, WorkflowStatus.Completed) with { Results = [new TaskResult { TaskId = "task", WorkflowId = id, Status = AgentTaskStatus.Completed }] });

    private async Task<StateManager> OpenAsync()
    {
        var store = new InMemoryStateManager(new ConductorEnvironment(_time));
        await store.ConnectAsync();
        return store;
    }

    private sealed class CountingClock : TimeProvider
    {
        public int Looks { get; private set; }

        public override DateTimeOffset GetUtcNow()
        {
            Looks++;
            return base.GetUtcNow();
        }

        public override long GetTimestamp()
        {
            Looks++;
            return base.GetTimestamp();
        }
    }
}
