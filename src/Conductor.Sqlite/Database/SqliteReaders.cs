using System.Collections.Concurrent;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Connections that read beside the writer, a few at once. Reads run on the thread pool, never on the thread of their caller: SQLite waits for
/// the disk on the thread that calls it. Reads that wait are done together, so that many small ones share a hand-over and a transaction.
/// Thread-safe.
/// </summary>
internal sealed class SqliteReaders(SqliteDatabase database, SqliteStateOptions options)
{
    private const int BatchSize = 16;

    /// <summary>In place of the number of workers: there are none any more, and none begins.</summary>
    private const int Closed = -1;

    private readonly ConcurrentQueue<ReadOperation> _waiting = new();
    private readonly ConcurrentBag<SqliteSession> _idle = [];
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _workers;
    private int _underWay;
    private int _reading;
    private volatile bool _closing;
    private volatile bool _isHeld;

    /// <summary>Reads that wait or are done just now.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    /// <summary>Whether no transaction is under way. While reads are held up, none begins.</summary>
    public bool IsAtRest => Volatile.Read(ref _reading) == 0;

    private bool MayRead => !_isHeld || _closing;

    /// <summary>Lets no further read begin, until <see cref="Release"/> or the closing.</summary>
    public void Hold()
    {
        _isHeld = true;

        // Whoever begins says so before it looks, and here it is the other way round: one of both has to see the other.
        Interlocked.MemoryBarrier();
    }

    /// <summary>Lets reads begin again.</summary>
    public void Release()
    {
        _isHeld = false;

        // As above: whoever comes now sees this, or is seen.
        Interlocked.MemoryBarrier();
        for (var i = 0; i < options.ReaderCount && !_waiting.IsEmpty; i++)
        {
            StartWorker();
        }
    }

    /// <summary>Reads. All of it sees one state of the database, in which everything is that was acknowledged before.</summary>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var operation = new ReadOperation<T>(work);
        if (_closing)
        {
            operation.Fail(NotConnected());
            return operation.Completion;
        }

        options.ReadProbe?.Invoke();
        Interlocked.Increment(ref _underWay);
        _waiting.Enqueue(operation);
        StartWorker();
        return cancellationToken.CanBeCanceled ? operation.Completion.WaitAsync(cancellationToken) : operation.Completion;
    }

    /// <summary>Waits for reads under way and closes the connections.</summary>
    public async Task CloseAsync()
    {
        _closing = true;

        // Before looking at the workers: each of them looks the other way round, and one of both has to see the other.
        Interlocked.MemoryBarrier();
        StartWorker(evenIfNothingWaits: true);
        await _closed.Task.ConfigureAwait(false);
        while (_idle.TryTake(out var session))
        {
            session.Dispose();
        }
    }

    private static StateException NotConnected() => new(ErrorCodes.StateNotConnected, "The store was disconnected while something was being read.");

    private void StartWorker(bool evenIfNothingWaits = false)
    {
        int workers;
        do
        {
            workers = Volatile.Read(ref _workers);
            if (workers == Closed)
            {
                FailLate();
                return;
            }

            if (workers >= options.ReaderCount || (_waiting.IsEmpty && !evenIfNothingWaits) || !MayRead)
            {
                return;
            }
        }
        while (Interlocked.CompareExchange(ref _workers, workers + 1, workers) != workers);

        ThreadPool.UnsafeQueueUserWorkItem(static readers => readers.Work(), this, preferLocal: false);
    }

    /// <summary>What was let in before the closing began, and came to wait when it was over.</summary>
    private void FailLate()
    {
        while (_waiting.TryDequeue(out var late))
        {
            late.Fail(NotConnected());
            Interlocked.Decrement(ref _underWay);
        }
    }

    private void Work()
    {
        List<ReadOperation> batch = new(BatchSize);
        while (TryBegin())
        {
            if (TakeBatch(batch))
            {
                Read(batch);
            }

            Interlocked.Decrement(ref _reading);
            if (batch.Count == 0)
            {
                break;
            }

            batch.Clear();
        }

        if (Interlocked.Decrement(ref _workers) == 0 && _closing && Interlocked.CompareExchange(ref _workers, Closed, 0) == 0)
        {
            _closed.TrySetResult();
        }

        // What came between the last look and the end of this worker.
        StartWorker();
    }

    private bool TryBegin()
    {
        Interlocked.Increment(ref _reading);
        if (MayRead)
        {
            return true;
        }

        Interlocked.Decrement(ref _reading);
        return false;
    }

    /// <summary>
    /// What waits, for one reader. (A read that waits behind a slow one so is not taken by another reader that is free: where large reads follow each other,
    /// all readers would be busy all the time, and on a machine with few processors saves would wait for a thread.)
    /// </summary>
    private bool TakeBatch(List<ReadOperation> batch)
    {
        while (batch.Count < BatchSize && _waiting.TryDequeue(out var next))
        {
            batch.Add(next);
        }

        return batch.Count > 0;
    }

    private void Read(List<ReadOperation> batch)
    {
        SqliteSession? session = null;
        foreach (var operation in batch)
        {
            try
            {
                session ??= Begin();
                operation.Run(session);
                operation.Complete();
            }
#pragma warning disable CA1031 // On a thread of the pool: whoever waits for the read gets it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                // Whatever state the connection is in: the next read gets another.
                session?.Dispose();
                session = null;
                operation.Fail(SqliteFailure.TranslateRead(exception, database.File));
            }

            // Its caller goes on by now: the pool has what it does next.
            Interlocked.Decrement(ref _underWay);
        }

        if (session is not null)
        {
            session.TryRun("COMMIT");
            if (_closing)
            {
                session.Dispose();
            }
            else
            {
                _idle.Add(session);
            }
        }
    }

    private SqliteSession Begin()
    {
        if (!_idle.TryTake(out var session))
        {
            session = database.OpenReader();
        }

        try
        {
            session.Run("BEGIN");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
