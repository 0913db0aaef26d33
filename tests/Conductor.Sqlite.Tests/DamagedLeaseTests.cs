using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Workflows;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>A lease is no record with a checksum. One that is damaged keeps nobody from its own run for ever, and nobody at all from other runs.</summary>
public sealed class DamagedLeaseTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("9000000000000000000")]
    [InlineData("-5")]
    [InlineData("1e300")]
    [InlineData("'text'")]
    public async Task ListUnfinishedWorkflowsAsync_LeaseThatEndsAtNoTime_IsHeldAsFarAsIsKnownAndCanBeTakenOver(string expiresAt)
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("damaged", 0));
        await store.CommitWorkflowAsync(Records.Step("sound", 0));
        await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("damaged"), "owner", TimeSpan.FromMinutes(5));
        await DamageAsync($"expires_at = {expiresAt}");

        var runs = (await store.ListUnfinishedWorkflowsAsync()).Items;

        runs.Select(static run => run.WorkflowId).Should().Equal("damaged", "sound");
        runs[0].IsHeld.Should().BeTrue("nobody knows when it ends; whoever sees that it is not renewed takes it over");
        var taken = await store.Leases.TryTakeOverAsync(runs[0].Lease!, "heir", TimeSpan.FromMinutes(1));
        (await store.Leases.TryRenewAsync(taken!, TimeSpan.FromMinutes(1)))!.ExpiresAt.Should().BeBefore(DateTimeOffset.MaxValue);
    }

    [Theory]
    [InlineData("expires_at = 9000000000000000000")]
    [InlineData("nonce = 'nonce~9223372036854775807'")]
    public async Task RecoverAsync_OneLeaseIsDamaged_TakesTheOtherRunsOver(string damage)
    {
        await using (var before = Program(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return "never";
        }))
        {
            var first = await before.StartConductorAsync();
            await StartAsync(first, "damaged");
            await StartAsync(first, "sound");
            await first.DisposeAsync();
        }

        await using (var store = await _folder.OpenAsync())
        {
            await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("damaged"), "owner", TimeSpan.FromMinutes(5));
        }

        await DamageAsync(damage);
        await using var after = Program(static (_, _) => Task.FromResult("done"));
        var conductor = await after.StartConductorAsync();

        var ended = await (await conductor.Workflows.GetRunAsync("sound"))!.Completion.WaitAsync(TimeSpan.FromSeconds(30));

        ended.Status.Should().Be(WorkflowStatus.Completed);
    }

    private static async Task StartAsync(ConductorRuntime conductor, string runId) => await conductor.Workflows.StartWorkflowAsync(
        new WorkflowDefinition { Name = "definition", Tasks = [new TaskDefinition { Id = "task", AgentType = AgentType.Coding }] },
        new WorkflowRunOptions { RunId = runId });

    private ServiceProvider Program(Func<TaskContext, CancellationToken, Task<string>> run)
    {
        var services = new ServiceCollection();
        services.AddConductor(static options => options.ShutdownTimeout = TimeSpan.Zero)
            .UseSqlite(_folder.ConnectionString)
            .AddAgent(AgentType.Coding, run, count: 2);
        return services.BuildServiceProvider();
    }

    private async Task DamageAsync(string damage)
    {
        await using var connection = new SqliteConnection(_folder.ConnectionString);
        await connection.OpenAsync();
        await connection.RunAsync($"UPDATE conductor_leases SET {damage} WHERE name = 'workflow:damaged'");
    }
}
