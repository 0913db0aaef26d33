using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Conductor.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>What fails after its caller gave up reaches the log or nobody, and never the program as a task that nobody observed.</summary>
public sealed class UnobservedTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ConcurrentQueue<string> _unobserved = new();

    public UnobservedTests() => TaskScheduler.UnobservedTaskException += Note;

    public void Dispose()
    {
        TaskScheduler.UnobservedTaskException -= Note;
        _folder.Dispose();
    }

    [Fact]
    public async Task GetAgentState_GivenUpAndFailsLater_IsNoUnobservedException()
    {
        // One reader, so that none is free to take what comes after the read that is held.
        await using var store = await _folder.OpenAsync(static options => options.ReaderCount = 1);
        var id = EntityId.New();
        await store.WriteAsync(
            session => session.Execute("INSERT INTO conductor_agents (id, version, record) VALUES ($1, 1, X'00')", id), CancellationToken.None);
        await GiveUpReadsAsync(store, id);

        Collect();

        _unobserved.Should().NotContain(message => message.Contains(id));
    }

    [Fact]
    public async Task Connect_GivenUpAndFailsLater_IsLoggedAndNoUnobservedException()
    {
        var logs = new FakeLogCollector();
        await using (var other = new SqliteConnection(_folder.ConnectionString + ";Pooling=False"))
        {
            await other.OpenAsync();
            await other.RunAsync("BEGIN EXCLUSIVE; CREATE TABLE conductor_schema (version INTEGER NOT NULL); INSERT INTO conductor_schema VALUES (99)");
            await GiveUpConnectAsync(new ConductorEnvironment(loggerFactory: new LoggerFactory([new FakeLoggerProvider(logs)])));
            await other.RunAsync("COMMIT");
        }

        SpinWait.SpinUntil(() => logs.GetSnapshot().Any(static log => log.Id.Id == 1256), TimeSpan.FromSeconds(20)).Should().BeTrue();
        logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1256 && log.Exception is StateException);
        Collect();

        _unobserved.Should().NotContain(message => message.Contains(_folder.Database));
    }

    private static void Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>In a method of its own, so that nothing holds on to its tasks.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task GiveUpReadsAsync(SqliteStateManager store, string id)
    {
        using var mayGoOn = new ManualResetEventSlim();
        using var givesUp = new CancellationTokenSource();
        var held = store.ReadAsync(
            _ =>
            {
                mayGoOn.Wait();
                return 1;
            },
            CancellationToken.None);
        var reads = Enumerable.Range(0, 100).Select(_ => store.GetAgentStateAsync(id, givesUp.Token).AsTask()).ToList();
        await givesUp.CancelAsync();
        mayGoOn.Set();
        await held;
        foreach (var read in reads)
        {
            await FluentActions.Awaiting(() => read).Should().ThrowAsync<OperationCanceledException>();
        }

        SpinWait.SpinUntil(() => store.OperationsUnderWay == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
        await FluentActions.Awaiting(() => store.GetAgentStateAsync(id).AsTask()).Should().ThrowAsync<StateException>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task GiveUpConnectAsync(ConductorEnvironment environment)
    {
        var store = new SqliteStateManager(_folder.Options(static options => options.BusyTimeout = TimeSpan.FromMinutes(10)), environment);
        using var givesUp = new CancellationTokenSource();
        var connect = store.ConnectAsync(givesUp.Token).AsTask();
        await givesUp.CancelAsync();
        await FluentActions.Awaiting(() => connect).Should().ThrowAsync<OperationCanceledException>();
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved) => _unobserved.Enqueue(unobserved.Exception.ToString());
}
