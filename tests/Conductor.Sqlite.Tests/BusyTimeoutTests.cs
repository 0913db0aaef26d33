using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>How long saves wait while another process writes: each as long as it may, and all of them at the same time.</summary>
public sealed class BusyTimeoutTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task LockedFile_ManySavesThatRunAlone_AllFailWithinAboutOneTimeout()
    {
        await using var store = await _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromMilliseconds(500));
        await using var other = await LockAsync();
        var watch = Stopwatch.StartNew();

        var saves = Enumerable.Range(0, 20)
            .Select(
                i => (Task)((SqliteEffectStore)store.Effects).RunAsync(new EffectKey("t:0", "t:0", $"e{i}"), static _ => 1, CancellationToken.None).AsTask())
            .Append(store.Leases.TryAcquireAsync("any", "owner", TimeSpan.FromMinutes(1)).AsTask())
            .ToList();
        foreach (var save in saves)
        {
            (await FluentActions.Awaiting(() => save).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        }

        watch.Elapsed.Should().BeGreaterThan(TimeSpan.FromMilliseconds(450)).And.BeLessThan(TimeSpan.FromSeconds(5));
        await other.RunAsync("ROLLBACK");
        (await store.SaveTaskResultAsync(Records.Result("after"))).Should().Be(RecordOutcome.Recorded);
    }

    [Fact]
    public async Task LockedFile_SaveThatCameLater_WaitsForAllOfItsOwnTime()
    {
        await using var store = await _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromSeconds(2));
        await using var other = await LockAsync();
        var first = store.SaveTaskResultAsync(Records.Result("first")).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(0.75));
        var second = store.SaveTaskResultAsync(Records.Result("second")).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(0.75));
        var third = store.SaveTaskResultAsync(Records.Result("third")).AsTask();

        await FluentActions.Awaiting(() => first).Should().ThrowAsync<StateException>();
        second.IsCompleted.Should().BeFalse();
        await FluentActions.Awaiting(() => second).Should().ThrowAsync<StateException>();
        third.IsCompleted.Should().BeFalse("it was asked for last, though it waits in one group with the second");
        await other.RunAsync("ROLLBACK");

        (await third).Should().Be(RecordOutcome.Recorded);
    }

    /// <summary>What it waited for this process's own saves counts for nothing.</summary>
    [Fact]
    public async Task LockedForAMoment_SaveThatWaitedForOthersOfThisProcess_IsDone()
    {
        var (isArmed, calls) = (false, 0);
        SqliteConnection? other = null;
        await using var store = await _folder.OpenAsync(options =>
        {
            options.BusyTimeout = TimeSpan.FromMilliseconds(500);
            options.Probe = () =>
            {
                // After the slow save, and then after its commit.
                if (isArmed && ++calls == 2)
                {
#pragma warning disable VSTHRD002, xUnit1031 // On the writer's thread.
                    other = LockAsync().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002, xUnit1031
                }
            };
        });
        var slow = store.WriteAsync(
            _ =>
            {
                Thread.Sleep(1000);
                return isArmed = true;
            },
            CancellationToken.None,
            runsAlone: true);
        var save = store.SaveTaskResultAsync(Records.Result("t")).AsTask();
        await slow;
        await Task.Delay(50);
        save.IsCompleted.Should().BeFalse();

        await other!.RunAsync("ROLLBACK");

        (await save).Should().Be(RecordOutcome.Recorded);
        await other!.DisposeAsync();
    }

    private async Task<SqliteConnection> LockAsync()
    {
        var connection = new SqliteConnection(_folder.ConnectionString + ";Pooling=False");
        await connection.OpenAsync();
        await connection.RunAsync("BEGIN IMMEDIATE");
        return connection;
    }
}
