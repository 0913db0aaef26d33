using Microsoft.Data.Sqlite;

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
        SqliteConnection? other = null;
        await using var store = await OpenAsync();
        using var givesUp = new CancellationTokenSource();
        using var mayGoOn = new ManualResetEventSlim();
        var calls = 0;
        var first = store.WriteAsync(
            _ =>
            {
                mayGoOn.Wait();
                return 1;
            },
            CancellationToken.None,
            runsAlone: true);
        var failing = store.WriteAsync<int>(
            session =>
            {
                if (++calls == 1)
                {
                    throw new InvalidOperationException("takes the group with it");
                }

                // Alone by now, and the last before the other is tried alone: nothing else is written until the lock is given back.
                session.Run("ROLLBACK");
#pragma warning disable VSTHRD002, xUnit1031 // On the writer's thread.
                other = LockAsync().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
                throw new InvalidOperationException("no");
            },
            CancellationToken.None);
        var givenUp = store.WriteAsync(
            static session => session.Execute("INSERT INTO conductor_agents (id, version, record) VALUES ('a', 1, X'00')"), givesUp.Token);
        mayGoOn.Set();
        await first;
        await FluentActions.Awaiting(() => failing).Should().ThrowAsync<InvalidOperationException>();

        await givesUp.CancelAsync();
        var outcome = await Record.ExceptionAsync(() => givenUp.WaitAsync(_soon));
        await other!.DisposeAsync();

        outcome.Should().BeAssignableTo<OperationCanceledException>();
        (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_agents"), CancellationToken.None)).Should().Be(0);
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

    private async Task<SqliteConnection> LockAsync()
    {
        var connection = new SqliteConnection(_folder.ConnectionString + ";Pooling=False");
        await connection.OpenAsync();
        await connection.RunAsync("BEGIN IMMEDIATE");
        return connection;
    }
}
