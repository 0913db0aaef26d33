using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conductor.Sqlite.Tests;

/// <summary>Nobody has to wait for a locked file who does not want to any more; what was given up was not done.</summary>
public sealed class GivingUpTests : IDisposable
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(20);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SaveTaskResult_CancelledWhileTheFileIsLocked_GivesUpAtOnceAndIsNotDone()
    {
        await using var store = await OpenAsync();
        await using var other = await LockAsync();
        using var givesUp = new CancellationTokenSource();

        // Those that the writer has taken, and tries to begin, as well as those that wait behind them.
        var givenUp = Enumerable.Range(0, 50).Select(i => store.SaveTaskResultAsync(Records.Result($"given up {i}"), givesUp.Token).AsTask()).ToList();
        var kept = store.SaveTaskResultAsync(Records.Result("kept")).AsTask();
        await givesUp.CancelAsync();
        var outcome = await Record.ExceptionAsync(() => Task.WhenAll(givenUp).WaitAsync(_soon));
        await other.RunAsync("ROLLBACK");

        outcome.Should().BeAssignableTo<OperationCanceledException>();
        givenUp.Should().OnlyContain(static save => save.IsCanceled);
        (await kept).Should().Be(RecordOutcome.Recorded);
        (await store.ReadAsync(static session => session.Column<string>("SELECT task_id FROM conductor_task_results"), CancellationToken.None))
            .Should().Equal("kept");
    }

    /// <summary>After a group was rolled back, each of its saves is tried alone: it can be given up then, too.</summary>
    [Fact]
    public async Task WriteAsync_CancelledWhileItIsTriedAgainAlone_GivesUpAtOnceAndIsNotDone()
    {
        using var givesUp = new CancellationTokenSource();

        var (givenUp, saved) = await GiveUpAfterARollbackAsync(
            writer => [SaveAgentAsync(writer, "a", givesUp.Token)],
            givesUp);

        givenUp.Should().BeAssignableTo<OperationCanceledException>();
        saved.Should().BeEmpty();
    }

    /// <summary>What was rolled back with its group waits again, for its turn to be tried alone: whoever gives it up need not wait for those before it.</summary>
    [Fact]
    public async Task WriteAsync_CancelledWhileAnotherOfItsGroupIsTriedAgainAlone_GivesUpAtOnceAndIsNotDone()
    {
        using var givesUp = new CancellationTokenSource();

        var (givenUp, saved) = await GiveUpAfterARollbackAsync(
            writer => [SaveAgentAsync(writer, "a", CancellationToken.None), SaveAgentAsync(writer, "b", givesUp.Token)],
            givesUp);

        givenUp.Should().BeAssignableTo<OperationCanceledException>();
        saved.Should().Equal("a");
    }

    /// <summary>What has begun may be committed by the time that somebody gives it up: it is never said to be cancelled.</summary>
    [Fact]
    public async Task WriteAsync_CancelledWhileItIsDone_SaysWhatBecameOfIt()
    {
        await using var store = await OpenAsync();
        using var givesUp = new CancellationTokenSource();
        using var hasBegun = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        var save = store.WriteAsync(
            _ =>
            {
                hasBegun.Set();
                mayGoOn.Wait();
                return 7;
            },
            givesUp.Token);
        hasBegun.Wait();

        await givesUp.CancelAsync();
        mayGoOn.Set();

        (await save).Should().Be(7);
    }

    [Fact]
    public async Task Disconnect_CancelledWhileTheFileIsLocked_FailsWhatWaitsAndEnds()
    {
        await using var store = await OpenAsync();
        await using var other = await LockAsync();
        var saves = Enumerable.Range(0, 300).Select(i => store.SaveTaskResultAsync(Records.Result($"t{i}")).AsTask()).ToList();
        using var givesUp = new CancellationTokenSource();
        var disconnect = store.DisconnectAsync(givesUp.Token).AsTask();
        saves.Should().NotContain(static save => save.IsCompleted, "they wait as long as they may");

        await givesUp.CancelAsync();
        var outcome = await Record.ExceptionAsync(() => disconnect.WaitAsync(_soon));
        await other.RunAsync("ROLLBACK");

        outcome.Should().BeNull();
        foreach (var save in saves)
        {
            (await FluentActions.Awaiting(() => save).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateNotConnected);
        }

        await store.ConnectAsync();
        (await store.GetTaskResultAsync("t0")).Should().BeNull("none of them was saved");
    }

    [Fact]
    public async Task Disconnect_CancelledBeforeItBegins_SavesWhatWaits()
    {
        await using var store = await OpenAsync();
        var save = store.SaveTaskResultAsync(Records.Result("t")).AsTask();

        await FluentActions.Awaiting(() => store.DisconnectAsync(new CancellationToken(canceled: true)).AsTask())
            .Should().ThrowAsync<OperationCanceledException>();

        (await save).Should().Be(RecordOutcome.Recorded);
        store.IsConnected.Should().BeTrue();
    }

    private Task<SqliteStateManager> OpenAsync() => _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromMinutes(10));

    private static Task<int> SaveAgentAsync(SqliteWriter writer, string id, CancellationToken cancellationToken) => writer.WriteAsync(
        session => session.Execute("INSERT INTO conductor_agents (id, version, record) VALUES ($1, 1, X'00')", id), cancellationToken);

    /// <summary>
    /// Has a group of saves rolled back by one that fails, and the file locked by somebody else before the others are tried alone; then the last is given up.
    /// By a writer alone: the retention of a store that was just opened may come between two saves, so that they are in two groups.
    /// </summary>
    private async Task<(Exception? OfLast, List<string> Saved)> GiveUpAfterARollbackAsync(
        Func<SqliteWriter, List<Task<int>>> save, CancellationTokenSource givesUp)
    {
        var options = _folder.Options(static options => options.BusyTimeout = TimeSpan.FromMinutes(10));
        var database = new SqliteDatabase(options, NullLogger.Instance);
        var writer = new SqliteWriter(database, new SqliteReaders(database, options), options, NullLogger.Instance);
        await writer.OpenAsync();
        SqliteConnection? other = null;
        using var mayGoOn = new ManualResetEventSlim();
        var calls = 0;
        var first = writer.WriteAsync(
            _ =>
            {
                mayGoOn.Wait();
                return 1;
            },
            CancellationToken.None,
            runsAlone: true);
        var failing = writer.WriteAsync<int>(
            session =>
            {
                if (++calls == 1)
                {
                    throw new InvalidOperationException("takes the group with it");
                }

                // Alone by now, and the last before the others are tried alone: nothing else is written until the lock is given back.
                session.Run("ROLLBACK");
#pragma warning disable VSTHRD002, xUnit1031 // On the writer's thread.
                other = LockAsync().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
                throw new InvalidOperationException("no");
            },
            CancellationToken.None);
        var saves = save(writer);
        mayGoOn.Set();
        await first;
        await FluentActions.Awaiting(() => failing).Should().ThrowAsync<InvalidOperationException>();

        await givesUp.CancelAsync();
        var outcome = await Record.ExceptionAsync(() => saves[^1].WaitAsync(_soon));
        await other!.DisposeAsync();
        await Task.WhenAll(saves.SkipLast(1));
        var saved = await writer.WriteAsync(static session => session.Column<string>("SELECT id FROM conductor_agents ORDER BY id"), CancellationToken.None);
        await writer.CloseAsync();
        return (outcome, [.. saved]);
    }

    private async Task<SqliteConnection> LockAsync()
    {
        var connection = new SqliteConnection(_folder.ConnectionString + ";Pooling=False");
        await connection.OpenAsync();
        await connection.RunAsync("BEGIN IMMEDIATE");
        return connection;
    }
}
