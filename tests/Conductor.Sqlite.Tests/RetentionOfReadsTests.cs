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

    /// <summary>Each dispatch of the id after that runs the task, and its effects with it.</summary>
    [Fact]
    public async Task EffectInATransaction_OfAResultBeyondTheAge_IsNotGivenAndIsRecordedAnew()
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

        async Task<string> RecordAsync(string value) =>
            (await ((SqliteEffectStore)store.Effects).RunAsync(key, _ => value, CancellationToken.None)).Get<string>();
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
