using Conductor.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>What is older than its age is given by no read, also before retention came to remove it.</summary>
public sealed class RetentionOfReadsTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Records.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FinishedRun_BeyondTheAge_IsGivenByNoRead()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("r", 0, WorkflowStatus.Completed, Records.Start));
        await store.CommitWorkflowAsync(Records.Step("running", 0));
        (await store.GetWorkflowDefinitionAsync("r")).Should().NotBeNull();
        _time.Advance(TimeSpan.FromDays(20));

        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        (await store.GetWorkflowHistoryAsync("r")).Should().BeNull();
        (await store.GetWorkflowDefinitionAsync("r")).Should().BeNull();
        (await store.GetTaskResultAsync("r", "t0-0", 0)).Should().BeNull();
        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().Equal("running");
        (await store.GetWorkflowStateAsync("running")).Should().NotBeNull();
        (await store.GetTaskResultAsync("running", "t0-0", 0)).Should().NotBeNull();
        (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_workflows"), CancellationToken.None))
            .Should().Be(2, "retention has not come yet");
    }

    [Fact]
    public async Task IsCancellationRequested_FinishedRunBeyondTheAge_IsFalseAsOfNoRun()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("r", 0));
        await store.RequestCancellationAsync("r");
        await store.CommitWorkflowAsync(Records.Step("r", 1, WorkflowStatus.Cancelled));
        (await store.IsCancellationRequestedAsync("r")).Should().BeTrue();
        _time.Advance(TimeSpan.FromDays(20));

        (await store.IsCancellationRequestedAsync("r")).Should().BeFalse();
    }

    [Fact]
    public async Task FinishedRun_BeyondTheAgeUnderALease_IsGivenUntilThatIsReleased()
    {
        await using var store = await OpenAsync();
        var lease = (await store.Leases.TryAcquireAsync("workflow:r", "owner", TimeSpan.FromDays(100)))!;
        await store.CommitWorkflowAsync(Records.Step("r", 0, WorkflowStatus.Completed, Records.Start));
        _time.Advance(TimeSpan.FromDays(20));

        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull("whoever ran it reads its final state before it releases the lease");
        (await store.ListWorkflowsAsync()).Items.Should().ContainSingle();
        await store.Leases.ReleaseAsync(lease);
        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        (await store.ListWorkflowsAsync()).Items.Should().BeEmpty();
    }

    /// <summary>Whoever takes the lease starts the run anew: what was is not to be taken for that.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FinishedRun_BeyondTheAge_IsNotGivenUnderALeaseThatWasTakenSince(bool isTakenOver)
    {
        await using var store = await OpenAsync();
        var lease = (await store.Leases.TryAcquireAsync("workflow:r", "owner", TimeSpan.FromDays(isTakenOver ? 100 : 1)))!;
        await store.CommitWorkflowAsync(Records.Step("r", 0, WorkflowStatus.Completed, Records.Start));
        _time.Advance(TimeSpan.FromDays(20));

        var taken = isTakenOver
            ? await store.Leases.TryTakeOverAsync(lease, "other", TimeSpan.FromDays(1))
            : await store.Leases.TryAcquireAsync("workflow:r", "other", TimeSpan.FromDays(1));

        taken!.Fence.Should().Be(lease.Fence + 1);
        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        (await store.GetTaskResultAsync("r", "t0-0", 0)).Should().BeNull();
        (await store.ListWorkflowsAsync()).Items.Should().BeEmpty();
        (await store.Leases.TryRenewAsync(taken, TimeSpan.FromDays(1))).Should().NotBeNull();
        (await store.CommitWorkflowAsync(Records.Step("r", 0) with { Lease = taken })).Should().Be(1);
    }

    /// <summary>To its reader there is none: what is saved must not go where nobody finds it.</summary>
    [Fact]
    public async Task FinishedRun_BeyondTheAge_TakesNothingThatIsSaved()
    {
        await using var store = await OpenAsync();
        foreach (var id in (string[])["result", "state", "version", "step"])
        {
            await store.CommitWorkflowAsync(Records.Step(id, 0, WorkflowStatus.Completed, Records.Start));
        }

        _time.Advance(TimeSpan.FromDays(20));

        (await store.SaveTaskResultAsync(Records.Result("t0-0", "result", "new"))).Should().Be(RecordOutcome.Recorded);
        (await store.GetTaskResultAsync("result", "t0-0", 0))!.Output.Get<string>().Should().Be("new", "it came before its run");
        var state = new WorkflowState { WorkflowId = "state", DefinitionName = "new", Status = WorkflowStatus.InProgress };
        (await store.SaveWorkflowStateAsync(state, StateExpectation.Any)).Should().Be(1);
        (await store.GetWorkflowDefinitionAsync("state")).Should().BeNull();
        (await store.GetTaskResultAsync("state", "t0-0", 0)).Should().BeNull();
        var atVersion = () => store.SaveWorkflowStateAsync(state with { WorkflowId = "version" }, StateExpectation.AtVersion(1)).AsTask();
        (await atVersion.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateConflict);
        var step = () => store.CommitWorkflowAsync(Records.Step("step", 1)).AsTask();
        (await step.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateConflict);
    }

    [Fact]
    public async Task TaskResult_BeyondTheAge_IsNotGivenAndMayBeRecordedAgain()
    {
        await using var store = await OpenAsync();
        await store.Effects.RecordAsync(new EffectKey("t:0", "t:0", "e") { TaskId = "t" }, "v");
        await store.SaveTaskResultAsync(Records.Result("t", output: "old"));
        _time.Advance(TimeSpan.FromDays(20));

        (await store.GetTaskResultAsync("t")).Should().BeNull();
        (await store.SaveTaskResultAsync(Records.Result("t", output: "new"))).Should().Be(RecordOutcome.Recorded, "nobody can read the one before");
        (await store.GetTaskResultAsync("t"))!.Output.Get<string>().Should().Be("new");
        (await store.SaveTaskResultAsync(Records.Result("t", output: "newer"))).Should().Be(RecordOutcome.AlreadyRecorded);
        (await store.Effects.GetAsync(new EffectKey("t:0", "t:0", "e"))).Should().BeNull("effects go with the result they belong to");
    }

    /// <summary>Each dispatch of the id after that runs the task, and its effects with it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Effect_OfAResultBeyondTheAge_IsNotGivenAndIsRecordedAnew(bool isInTransaction)
    {
        await using var store = await OpenAsync();
        var key = new EffectKey("t:0", "t:0", "e") { TaskId = "t" };
        for (var week = 1; week <= 3; week++)
        {
            (await store.Effects.GetAsync(key)).Should().BeNull();
            (await RecordAsync($"week {week}")).Should().Be($"week {week}");
            (await RecordAsync("late")).Should().Be($"week {week}", "the task is still under way");
            await store.SaveTaskResultAsync(Records.Result("t", output: $"{week}"));
            (await store.Effects.GetAsync(key))!.Get<string>().Should().Be($"week {week}");
            _time.Advance(RetentionOptions.DefaultMaxAge + TimeSpan.FromSeconds(1));
        }

        async Task<string> RecordAsync(string value) => (isInTransaction
            ? await ((SqliteEffectStore)store.Effects).RunAsync(key, _ => value, CancellationToken.None)
            : await store.Effects.RecordAsync(key, value)).Get<string>();
    }

    [Fact]
    public async Task Effect_OfAResultBeyondTheAgeWithADeadLetter_IsGivenAsLongAsThatIsThere()
    {
        await using var store = await OpenAsync();
        var key = new EffectKey("t:0", "t:0", "e") { TaskId = "t" };
        await store.Effects.RecordAsync(key, "first");
        await store.SaveDeadLetterAsync(Records.Letter("d") with { IdempotencyKey = "t:0" });
        await store.SaveTaskResultAsync(Records.Result("t"));
        _time.Advance(TimeSpan.FromDays(20));

        (await store.Effects.GetAsync(key))!.Get<string>().Should().Be("first", "a replay does not repeat it");
        (await store.Effects.RecordAsync(key, "second")).Get<string>().Should().Be("first");
        await store.DeleteDeadLetterAsync("d");
        (await store.Effects.RecordAsync(key, "third")).Get<string>().Should().Be("third");
    }

    [Fact]
    public async Task TaskResult_RecordedInPlaceOfAnAgedOne_LeavesTheEffectsOfItsOwnExecution()
    {
        await using var store = await OpenAsync();
        await store.Effects.RecordAsync(new EffectKey("t:0", "t:0", "before") { TaskId = "t" }, "v");
        await store.SaveTaskResultAsync(Records.Result("t"));
        _time.Advance(TimeSpan.FromDays(20));
        await store.Effects.RecordAsync(new EffectKey("t:0", "t:0", "again") { TaskId = "t" }, "v");
        _time.Advance(TimeSpan.FromSeconds(1));

        (await store.SaveTaskResultAsync(Records.Result("t"))).Should().Be(RecordOutcome.Recorded);

        (await store.Effects.GetAsync(new EffectKey("t:0", "t:0", "before"))).Should().BeNull();
        (await store.Effects.GetAsync(new EffectKey("t:0", "t:0", "again"))).Should().NotBeNull();
    }

    /// <summary>A store whose retention does not come by itself.</summary>
    private Task<SqliteStateManager> OpenAsync() => _folder.OpenAsync(
        options => options.RetentionInterval = TimeSpan.FromDays(24), environment: new ConductorEnvironment(_time));
}
