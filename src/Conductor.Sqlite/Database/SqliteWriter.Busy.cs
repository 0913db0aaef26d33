using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <content>Waiting while another process, or another connection, writes.</content>
internal sealed partial class SqliteWriter
{
    /// <summary>Since when the file was found locked each time; null when it was not, the last time.</summary>
    private long? _lockedSince;

    /// <summary>
    /// Takes the write lock of the file. Asked for again every millisecond: SQLite's own waiting grows to a tenth of a second, in which a busy
    /// writer of another process would always come first. A save waits from when it was asked for, in the queue as here, but never for saves of
    /// this process: what waits behind a locked file fails at the same time, and not each after the one before it.
    /// </summary>
    /// <returns>False when all of the group have waited for as long as they may.</returns>
    private bool TryBegin(SqliteSession session, List<WriteOperation> group)
    {
        while (true)
        {
            var code = session.TryRun("BEGIN IMMEDIATE");
            if (code == raw.SQLITE_OK)
            {
                _lockedSince = null;
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

            FailOverdue(session.Failure(code), group);
            if (group.Count == 0)
            {
                return false;
            }

            Pause();
        }
    }

    private void FailOverdue(SqliteException busy, List<WriteOperation> group)
    {
        var now = Stopwatch.GetTimestamp();
        var lockedSince = _lockedSince ??= now;
        if (Stopwatch.GetElapsedTime(Math.Max(lockedSince, group[0].QueuedAt), now) <= options.BusyTimeout)
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
