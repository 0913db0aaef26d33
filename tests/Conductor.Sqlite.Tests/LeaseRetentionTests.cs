using Conductor.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>What stays of leases in the file.</summary>
public sealed class LeaseRetentionTests : IDisposable
{
    private static readonly TimeSpan _term = TimeSpan.FromSeconds(30);

    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Records.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ReleaseAsync_LeasesOfNoRuns_LeaveNoRows()
    {
        await using var store = await OpenAsync();

        for (var i = 0; i < 20; i++)
        {
            await store.Leases.ReleaseAsync(await TakeAsync(store, $"replay:{i}"));
            await store.Leases.ReleaseAsync(await TakeAsync(store, StateManager.WorkflowKey($"never-created-{i}")));
        }

        (await NamesAsync(store)).Should().BeEmpty();
    }

    [Fact]
    public async Task TryAcquireAsync_NameThatWasForgotten_HasAHigherFenceAlsoAfterARestart()
    {
        var fences = new List<long>();
        for (var program = 0; program < 3; program++)
        {
            await using var store = await OpenAsync();
            for (var i = 0; i < 3; i++)
            {
                var lease = await TakeAsync(store, "replay:d");
                await store.Leases.ReleaseAsync(lease);
                fences.Add(lease.Fence);
            }
        }

        fences.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task ReleaseAsync_LeaseOfARun_StaysAsLongAsTheRun()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, StateManager.WorkflowKey("run"));
        await store.CommitWorkflowAsync(Records.Step("run", 0) with { Lease = lease });
        await store.Leases.ReleaseAsync(lease);
        await RetainAsync(store);
        (await NamesAsync(store)).Should().Equal("workflow:run");
        (await TakeAsync(store, StateManager.WorkflowKey("run"))).Fence.Should().Be(lease.Fence + 1, "it tells that nobody had the run in between");

        await store.DeleteWorkflowAsync("run");

        (await NamesAsync(store)).Should().BeEmpty();
    }

    [Fact]
    public async Task Retention_LeasesWhoseOwnersDied_GoOnceTheyAreOldUnlessTheirRunsExist()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await TakeAsync(store, "replay:died");
        await TakeAsync(store, StateManager.WorkflowKey("never-created"));
        await store.CommitWorkflowAsync(Records.Step("run", 0) with { Lease = await TakeAsync(store, StateManager.WorkflowKey("run")) });
        await RetainAsync(store);
        (await NamesAsync(store)).Should().HaveCount(3, "they have not run out for long");

        _time.Advance(TimeSpan.FromDays(2));
        var held = await TakeAsync(store, "replay:held");
        await RetainAsync(store);

        (await NamesAsync(store)).Should().BeEquivalentTo("workflow:run", "replay:held");
        (await store.Leases.TryRenewAsync(held, _term)).Should().NotBeNull();
        (await TakeAsync(store, "replay:died")).Fence.Should().BeGreaterThan(1);
    }

    /// <summary>Rows that a version before this one left behind.</summary>
    [Fact]
    public async Task Retention_ReleasedRowsOfNoRuns_Go()
    {
        await using var store = await OpenAsync();
        await store.WriteAsync(
            static session => session.Execute(
                "INSERT INTO conductor_leases (name, owner, fence, nonce, renewal, expires_at, released) VALUES ('replay:d', 'o', 7, 'n', 0, $1, " +
                    "1)", Records.Start.UtcTicks),
            CancellationToken.None);

        await RetainAsync(store);

        (await NamesAsync(store)).Should().BeEmpty();
        (await TakeAsync(store, "replay:d")).Fence.Should().Be(8);
    }

    private static async Task<Lease> TakeAsync(SqliteStateManager store, string name) => (await store.Leases.TryAcquireAsync(name, "owner", _term))!;

    private static async Task<List<string>> NamesAsync(SqliteStateManager store) => await store.ReadAsync(
        static session => session.Column<string>("SELECT name FROM conductor_leases WHERE name <> '' ORDER BY name"), CancellationToken.None);

    private Task<SqliteStateManager> OpenAsync(RetentionOptions? retention = null) =>
        _folder.OpenAsync(retention: retention, environment: new ConductorEnvironment(_time));

    private Task RetainAsync(SqliteStateManager store) => Retention.RunAsync(store, _time);
}
