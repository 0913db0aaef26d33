using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>For how long a lease was taken, for whoever observes it in another process.</summary>
public sealed class LeaseTermTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ListUnfinishedWorkflowsAsync_LeaseOfAnotherProcess_SaysForHowLongItWasTaken()
    {
        await using var owner = await _folder.OpenAsync();
        await TakeRunAsync(owner, TimeSpan.FromMinutes(5));
        await using var other = await _folder.OpenAsync();

        (await ObserveAsync(other)).Term.Should().Be(TimeSpan.FromMinutes(5));
    }

    /// <summary>The nonce of a version before this one is random text alone.</summary>
    [Theory]
    [InlineData("3f0c4b9d2a")]
    [InlineData("3f0c4b9d2a~")]
    [InlineData("3f0c4b9d2a~-1")]
    [InlineData("3f0c4b9d2a~99999999999999999999")]
    [InlineData("3f0c4b9d2a~9223372036854775807")]
    [InlineData("3f0c4b9d2a~0")]
    public async Task ListUnfinishedWorkflowsAsync_LeaseWithoutATerm_LeavesItOutAndIsTakenOverAllTheSame(string nonce)
    {
        await using var store = await _folder.OpenAsync();
        await TakeRunAsync(store, TimeSpan.FromMinutes(5));
        await using (var connection = new SqliteConnection(_folder.ConnectionString))
        {
            await connection.OpenAsync();
            await connection.RunAsync($"UPDATE conductor_leases SET nonce = '{nonce}'");
        }

        var observed = await ObserveAsync(store);

        observed.Term.Should().BeNull();
        (await store.Leases.TryTakeOverAsync(observed, "heir", TimeSpan.FromMinutes(1)))!.Term.Should().Be(TimeSpan.FromMinutes(1));
    }

    private static async Task TakeRunAsync(SqliteStateManager store, TimeSpan term)
    {
        var lease = await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "owner", term);
        await store.CommitWorkflowAsync(Records.Step("run", 0) with { Lease = lease });
    }

    private static async Task<Lease> ObserveAsync(SqliteStateManager store) => (await store.ListUnfinishedWorkflowsAsync()).Items.Single().Lease!;
}
