using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <content>Waiting while another process, or another connection, writes.</content>
internal sealed partial class SqliteWriter
{
    /// <summary>Since when the file was found locked each time; null when it was not, the last time.</summary>
    private long? _lockedSince;
    private volatile bool _isHurried;

    /// <summary>Nobody waits any longer until the file is free: what has not begun, and finds it locked, fails at once.</summary>
    public void Hurry() => _isHurried = true;

    private static StateException NotSaved() =>
        new(ErrorCodes.StateNotConnected, "The store was disconnected while something was being saved; that was not saved.");

    /// <summary>
    /// Takes the write lock of the file. Asked for again every millisecond: SQLite's own waiting grows to a tenth of a second, in which a busy
    /// writer of another process would always come first. A save waits from when it was asked for, in the queue as here, but never for saves of
    /// this process: what waits behind a locked file fails at the same time, and not each after the one before it.
    /// </summary>
    /// <returns>False when all of the group were given up, or have waited for as long as they may.</returns>
    private bool TryBegin(SqliteSession session, List<WriteOperation> group)
    {
        while (true)
        {
            var code = session.TryRun("BEGIN IMMEDIATE");
            if (code == raw.SQLITE_OK)
            {
                _lockedSince = null;
                group.RemoveAll(static operation => !operation.TryBegin());
                if (group.Count == 0)
                {
                    session.Run("ROLLBACK");
                    return false;
                }

                options.Probe?.Invoke();
                return true;
            }

            if (session.LastCode == SqliteFailure.StaleSnapshot)
            {
                throw session.Failure(SqliteFailure.StaleSnapshot);
            }

            if ((code & 0xFF) is not (SqliteFailure.Busy or SqliteFailure.Locked))
            {
                throw session.Failure(code);
            }

            var busy = session.Failure(code);
            group.RemoveAll(static operation => operation.TryGiveUp());
            FailHurried(group);
            FailOverdue(busy, group);
            if (group.Count == 0)
            {
                return false;
            }

            Pause();
        }
    }

    private void FailHurried(List<WriteOperation> group)
    {
        if (_isHurried)
        {
            Fail(group, NotSaved());
            group.Clear();
        }
    }

    private void FailOverdue(SqliteException busy, List<WriteOperation> group)
    {
        var now = Stopwatch.GetTimestamp();
        var lockedSince = _lockedSince ??= now;
        if (group.Count == 0 || Stopwatch.GetElapsedTime(Math.Max(lockedSince, group[0].QueuedAt), now) <= options.BusyTimeout)
        {
            return;
        }

        var translated = SqliteFailure.Translate(busy, database.File);
        group.RemoveAll(operation =>
        {
            var isOverdue = Stopwatch.GetElapsedTime(Math.Max(lockedSince, operation.QueuedAt), now) > options.BusyTimeout;
            if (isOverdue)
            {
                operation.Fail(translated);
            }

            return isOverdue;
        });
    }
}
