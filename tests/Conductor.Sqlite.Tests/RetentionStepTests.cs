using Conductor.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>However much there is to remove: saves come in between.</summary>
public sealed class RetentionStepTests : IDisposable
{
    private const int Many = 1_700;
    private const int MostChanges = 600;

    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Records.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RemoveSome_RunIsLarge_IsGoneAtOnceAndRemovedInSteps()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("large", 0, WorkflowStatus.Completed, Records.Start, results: Many));

        (await StepAsync(store)).More.Should().BeTrue();

        (await store.GetWorkflowStateAsync("large")).Should().BeNull();
        (await store.GetWorkflowHistoryAsync("large")).Should().BeNull();
        (await store.GetTaskResultAsync("large", "t0-0", 0)).Should().BeNull();
        (await store.ListWorkflowsAsync()).Items.Should().BeEmpty();
        await store.CommitWorkflowAsync(Records.Step("large", 0));
        await EndAsync(store);
        (await store.GetWorkflowStateAsync("large"))!.TaskResults.Should().HaveCount(1, "it is another run");
        (await CountAsync(store, "conductor_results")).Should().Be(1);
        (await CountAsync(store, "conductor_details")).Should().Be(3);
        (await CountAsync(store, "conductor_events")).Should().Be(1);
    }

    [Fact]
    public async Task DeleteWorkflowAsync_RunIsLarge_IsGoneAtOnceAndRemovedInSteps()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("large", 0, results: Many));

        var before = await store.WriteAsync(static session => session.Number("SELECT total_changes()"), CancellationToken.None);
        (await store.DeleteWorkflowAsync("large")).Should().BeTrue();
        var after = await store.WriteAsync(static session => session.Number("SELECT total_changes()"), CancellationToken.None);

        (after - before).Should().BeLessThan(MostChanges);
        (await store.GetWorkflowStateAsync("large")).Should().BeNull();
        (await store.DeleteWorkflowAsync("large")).Should().BeFalse();
        await EndAsync(store);
        (await CountAsync(store, "conductor_results")).Should().Be(0);
    }

    [Fact]
    public async Task RemoveSome_RecordsAreLarge_RemovesFewAtATime()
    {
        await using var store = await OpenAsync();
        var step = Records.Step("large", 0, WorkflowStatus.Completed, Records.Start) with
        {
            Results = [.. Enumerable.Range(0, 20).Select(static i => Records.Result($"t{i}", "large", new string('x', 1_000_000)))],
        };
        await store.CommitWorkflowAsync(step);
        await StepAsync(store);

        await StepAsync(store);

        (await CountAsync(store, "conductor_results")).Should().BeInRange(10, 19);
        await EndAsync(store);
        (await CountAsync(store, "conductor_results")).Should().Be(0);
    }

    [Fact]
    public async Task RemoveSome_RunHasManyEffects_RemovesThemInSteps()
    {
        await using var store = await OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("large", 0, WorkflowStatus.Completed, Records.Start));
        await Task.WhenAll(Enumerable.Range(0, Many).Select(
            number => store.Effects.RecordAsync(new EffectKey("large", $"large:t{number}:0", "e"), "value").AsTask()));

        await EndAsync(store);

        (await store.GetWorkflowStateAsync("large")).Should().BeNull();
        (await CountAsync(store, "conductor_effects")).Should().Be(0);
    }

    /// <summary>The process may end in between.</summary>
    [Fact]
    public async Task RemoveSome_AfterAnotherStart_RemovesWhatWasLeft()
    {
        await using (var store = await OpenAsync())
        {
            await store.CommitWorkflowAsync(Records.Step("large", 0, results: Many));
            await store.DeleteWorkflowAsync("large");
        }

        await using var next = await OpenAsync();
        await EndAsync(next);

        (await CountAsync(next, "conductor_results")).Should().Be(0);
        (await CountAsync(next, "conductor_removed_workflows")).Should().Be(0);
    }

    /// <summary>A store that keeps all: what is to be removed a test says itself.</summary>
    private Task<SqliteStateManager> OpenAsync() => _folder.OpenAsync(environment: new ConductorEnvironment(_time));

    private async Task<(bool More, long Changes)> StepAsync(SqliteStateManager store)
    {
        var retention = new SqliteRetention(new RetentionOptions { MaxFinishedWorkflows = 0 }, _time, NullLogger.Instance);
        return await store.WriteAsync(
            session =>
            {
                var before = session.Number("SELECT total_changes()");
                var more = retention.RemoveSome(session);
                return (more, session.Number("SELECT total_changes()") - before);
            },
            CancellationToken.None);
    }

    private async Task EndAsync(SqliteStateManager store)
    {
        bool more;
        do
        {
            (more, var changes) = await StepAsync(store);
            changes.Should().BeLessThan(MostChanges);
        }
        while (more);
    }

    private static Task<long> CountAsync(SqliteStateManager store, string table) =>
        store.ReadAsync(session => session.Column<long>($"SELECT count(*) FROM {table}")[0], CancellationToken.None);
}
