using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Conductor.Sqlite.Database;

/// <summary>
/// The one writer of this process: a thread of its own, because SQLite waits for the disk on the thread that calls it. Saves that wait are
/// committed together: the disk is waited for once for all of them. Thread-safe.
/// </summary>
internal sealed partial class SqliteWriter(SqliteDatabase database, SqliteReaders readers, SqliteStateOptions options, ILogger logger)
{
    /// <summary>How long the writer goes on without a pause in which writers of other processes get their turn.</summary>
    private static readonly TimeSpan _turn = TimeSpan.FromMilliseconds(50);

    /// <summary>How soon it looks whether reads that others wait for are over.</summary>
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(2);

    private readonly object _gate = new();
    private readonly Queue<WriteOperation> _waiting = new();
    private readonly OpenFile _openFile = new(options.FileCheckInterval);
    private readonly LogKeeper _log = new(readers, options, logger);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private bool _stopping;
    private long _turnBeganAt;
    private long _operations;
    private long _commits;
    private int _underWay;

    /// <summary>Saves that wait or are done just now, and the closing of the file.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    /// <summary>Saves done so far.</summary>
    public long Operations => Volatile.Read(ref _operations);

    /// <summary>Transactions committed so far: the fewer to a number of saves, the more were grouped.</summary>
    public long Commits => Volatile.Read(ref _commits);

    /// <summary>Opens the database on the writer's thread.</summary>
    public Task OpenAsync()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "Conductor.Sqlite writer" };
        _thread.UnsafeStart();
        return _opened.Task;
    }

    /// <summary>Has a save done. The answer comes when it is committed.</summary>
    /// <param name="work">Does it on the writer's connection: checks first, writes afterwards, and may be run again after a rollback.</param>
    /// <param name="cancellationToken">Gives up, as long as it has not begun: also while the file is locked.</param>
    /// <param name="runsAlone">Whether it gets a transaction of its own.</param>
    /// <exception cref="InvalidOperationException">An effect that the writer runs asks for it.</exception>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken, bool runsAlone = false)
    {
        if (Thread.CurrentThread == _thread)
        {
            // An effect that waits for it would wait for itself, and everybody for it.
            throw SqliteFailure.WithinEffect(database.File);
        }

        var operation = new WriteOperation<T>(work, runsAlone, cancellationToken);
        lock (_gate)
        {
            if (_stopping)
            {
                operation.Fail(NotSaved());
            }
            else
            {
                Interlocked.Increment(ref _underWay);
                _waiting.Enqueue(operation);
                Monitor.Pulse(_gate);
            }
        }

        return operation.Completion;
    }

    /// <summary>Does what waits, then closes the database.</summary>
    public Task CloseAsync()
    {
        Interlocked.Increment(ref _underWay);
        lock (_gate)
        {
            _stopping = true;
            Monitor.Pulse(_gate);
        }

        return _closed.Task;
    }

    private void Work()
    {
        SqliteSession? session;
        try
        {
            session = database.OpenWriter(isFirst: true);
        }
#pragma warning disable CA1031 // On a thread of its own: whoever waits for the opening gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            CloseQueue();
            _opened.TrySetException(SqliteFailure.Translate(exception, database.File));
            _closed.TrySetResult();
            return;
        }

        _opened.TrySetResult();
        while (Take() is { } group)
        {
            var count = group.Count;
            session = count > 0 ? CommitOrReopen(session, group) : session;

            // What was saved is let go of here, too, however long nothing else comes.
            group.Clear();

            // Their callers go on by now: the pool has what they do next.
            Interlocked.Add(ref _underWay, -count);
            _log.Tend(session);
            LetOthersWrite();
        }

        _log.Release();
        Close(session);
        database.LetGo();
        _closed.TrySetResult();
        Interlocked.Decrement(ref _underWay);
    }

    /// <summary>Nothing may end this thread, or with it the process: an effect may have closed the connection, and a logger may throw.</summary>
    /// <returns>The session to go on with; null when the database could not be opened again, which is tried for the next group.</returns>
    private SqliteSession? CommitOrReopen(SqliteSession? session, List<WriteOperation> group, bool isAgain = false)
    {
        try
        {
            session ??= database.OpenWriter(isFirst: false);
            if (_openFile.IsMoved(session))
            {
                Fail(group, SqliteFailure.Moved(database.File));
                return session;
            }

            Commit(session, group);
            session.LetGoOfLarge();
            if (session.IsReusable)
            {
                return session;
            }
        }
        catch (SqliteException stale) when (!isAgain && session?.IsStale(stale) == true)
        {
            // An effect left a reader open on this connection: it would read, and write, what is no longer so. A new one does not.
            Close(session);
            group.RemoveAll(static operation => operation.IsDone);
            return group.Count == 0 ? null : CommitOrReopen(session: null, group, isAgain: true);
        }
#pragma warning disable CA1031 // Whoever waits for the save gets it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(group, SqliteFailure.Translate(exception, database.File));
        }

        Close(session);
        return null;
    }

    private void CloseQueue()
    {
        lock (_gate)
        {
            _stopping = true;
        }
    }

    /// <summary>
    /// Waits for saves, and takes those that wait, up to the size of a group: none where the log is to be looked at meanwhile. Null when the writer stops,
    /// and nothing is left.
    /// </summary>
    private List<WriteOperation>? Take()
    {
        List<WriteOperation> group = [];
        lock (_gate)
        {
            while (group.Count == 0)
            {
                while (_waiting.Count == 0)
                {
                    if (_stopping)
                    {
                        return null;
                    }

                    var isWoken = Monitor.Wait(_gate, _log.IsHolding ? _look : Timeout.InfiniteTimeSpan);
                    _turnBeganAt = Stopwatch.GetTimestamp();
                    if (!isWoken)
                    {
                        return group;
                    }
                }

                while (group.Count < options.MaxGroupSize && _waiting.TryPeek(out var next) && !(next.RunsAlone && group.Count > 0))
                {
                    _waiting.Dequeue();
                    if (next.TryGiveUp())
                    {
                        Interlocked.Decrement(ref _underWay);
                    }
                    else
                    {
                        group.Add(next);
                    }

                    if (next.RunsAlone)
                    {
                        break;
                    }
                }
            }
        }

        return group;
    }

    private void Commit(SqliteSession session, List<WriteOperation> group)
    {
        var (isCommitting, isOfStore) = (false, false);
        try
        {
            if (!TryBegin(session, group))
            {
                return;
            }

            foreach (var operation in group)
            {
                operation.Run(session);
                options.Probe?.Invoke();
            }

            isCommitting = true;
            session.Run("COMMIT");
            options.Probe?.Invoke();
        }
        catch (SqliteException stale) when (session.IsStale(stale))
        {
            throw;
        }
#pragma warning disable CA1031 // On a thread of its own: whoever waits for the save gets it.
        catch (Exception exception) when (Note(session.IsOfThis(exception), out isOfStore))
#pragma warning restore CA1031
        {
            if (session.IsOpen)
            {
                // With a reader that was left open a rollback would end nothing.
                session.EndWhatWasLeft();
                session.TryRun("ROLLBACK");
            }

            Fail(session, group, exception, isCommitting, isOfStore);
            return;
        }

        _commits++;
        _operations += group.Count;
        foreach (var operation in group)
        {
            operation.Complete();
        }
    }

    /// <summary>
    /// In the filter of a catch: an effect disposes of what it used after that, which changes what the connection says of its last statement.
    /// </summary>
    private static bool Note(bool fact, out bool noted)
    {
        noted = fact;
        return true;
    }

    /// <summary>One that fails must not take the others with it: they are done one by one. What the disk refuses, it refuses to all.</summary>
    private void Fail(SqliteSession session, List<WriteOperation> group, Exception exception, bool isCommitting, bool isOfStore)
    {
        if (group.Count > 1 && !isCommitting && exception is not SqliteException { SqliteErrorCode: SqliteFailure.Busy or SqliteFailure.Locked })
        {
            Log.GroupFailed(logger, exception, group.Count);

            // One may find the file locked when it is tried: those behind it need not wait with it.
            group.ForEach(static operation => operation.TakeBack());
            foreach (var operation in group)
            {
                Commit(session, [operation]);
            }

            return;
        }

        Fail(group, isCommitting && exception is SqliteException { SqliteErrorCode: SqliteFailure.Busy } busy
            ? SqliteFailure.StillRunning(database.File, busy)
            : group is [{ RunsAlone: true }]
            ? SqliteFailure.TranslateEffect(exception, database.File, isOfStore)
            : SqliteFailure.Translate(exception, database.File));
    }

    private static void Fail(List<WriteOperation> group, Exception exception)
    {
        foreach (var operation in group)
        {
            operation.Fail(exception);
        }
    }

    private void LetOthersWrite()
    {
        if (Stopwatch.GetElapsedTime(_turnBeganAt) > _turn)
        {
            Pause();
            _turnBeganAt = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>A millisecond, on the writer's own thread.</summary>
#pragma warning disable RS0030 // No thread of anybody else is blocked.
    public static void Pause() => Thread.Sleep(1);
#pragma warning restore RS0030

    private void Close(SqliteSession? session)
    {
        try
        {
            if (session is { IsOpen: true })
            {
                session.TryRun("PRAGMA wal_checkpoint(TRUNCATE)");
            }

            session?.Dispose();
        }
#pragma warning disable CA1031 // On a thread of its own: what is committed is committed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.CheckpointFailed(logger, exception);
        }
    }
}
