using System.Diagnostics;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Keeps the write-ahead log from growing without end. It begins anew only when nobody reads from it, which never is where reads overlap: when it is far too
/// long no read begins until those under way are over and the log is written back. On the writer's thread, between its transactions.
/// </summary>
internal sealed class LogKeeper(SqliteReaders readers, SqliteStateOptions options, ILogger logger)
{
    /// <summary>How long to wait for readers of other processes, while the writer and the reads of this one stand still.</summary>
    private const int BusyMilliseconds = 50;

    /// <summary>Reads are held up for a small part of the time, even where that never helps.</summary>
    private const int RestFactor = 20;

    private static readonly TimeSpan _longestHold = TimeSpan.FromSeconds(2);

    private long _lookedAt = Stopwatch.GetTimestamp();
    private long _heldAt;
    private TimeSpan _rest = options.LogCheckInterval;
    private TimeSpan _hold = options.FirstReadHold;

    /// <summary>Whether reads are held up: it is to be called again soon, whether anything is saved or not.</summary>
    public bool IsHolding { get; private set; }

    /// <summary>Does what is due. Nothing that fails here may end the writer.</summary>
    public void Tend(SqliteSession? session)
    {
        if (!IsHolding && Stopwatch.GetElapsedTime(_lookedAt) < _rest)
        {
            return;
        }

        try
        {
            if (session is null)
            {
                Release();
            }
            else if (IsHolding)
            {
                GoOn(session);
            }
            else
            {
                Look(session);
            }
        }
#pragma warning disable CA1031 // On a thread of its own: it is tried again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.LogNotEmptied(logger, exception);
            Rest(isEmptied: false);
        }
    }

    /// <summary>Lets reads go on.</summary>
    public void Release()
    {
        if (IsHolding)
        {
            IsHolding = false;
            readers.Release();
        }
    }

    private void Look(SqliteSession session)
    {
        _lookedAt = Stopwatch.GetTimestamp();

        // When the log begins anew, SQLite cuts the file to this length: what is longer was written since.
        if (session.FileName is { Length: > 0 } name && new FileInfo($"{name}-wal") is { Exists: true } log && log.Length > options.MaxLogLength)
        {
            _heldAt = Stopwatch.GetTimestamp();
            IsHolding = true;
            readers.Hold();
            GoOn(session);
        }
    }

    private void GoOn(SqliteSession session)
    {
        if (readers.IsAtRest)
        {
            raw.sqlite3_busy_timeout(session.Connection.Handle, BusyMilliseconds);
            var code = raw.sqlite3_wal_checkpoint_v2(session.Connection.Handle, "main", raw.SQLITE_CHECKPOINT_RESTART, out _, out _);
            raw.sqlite3_busy_timeout(session.Connection.Handle, 0);
            if (code != raw.SQLITE_OK)
            {
                // Another process reads from it.
                Log.LogNotEmptied(logger, session.Failure(code));
            }

            Rest(isEmptied: code == raw.SQLITE_OK);
        }
        else if (Stopwatch.GetElapsedTime(_heldAt) > _hold)
        {
            // A long read is under way, which others do not have to wait for: next time somewhat longer.
            Rest(isEmptied: false);
        }
    }

    private void Rest(bool isEmptied)
    {
        Release();
        _lookedAt = Stopwatch.GetTimestamp();
        if (isEmptied)
        {
            (_hold, _rest) = (options.FirstReadHold, options.LogCheckInterval);
        }
        else
        {
            _rest = _hold * RestFactor;
            _hold = _hold * 2 < _longestHold ? _hold * 2 : _longestHold > _hold ? _longestHold : _hold;
        }
    }
}
