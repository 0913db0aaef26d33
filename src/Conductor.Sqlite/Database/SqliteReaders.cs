using System.Collections.Concurrent;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Connections that read beside the writer, a few at once. Reads run on the thread pool, never on the thread of their caller: SQLite waits for
/// the disk on the thread that calls it. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing to free.
internal sealed class SqliteReaders(SqliteDatabase database, SqliteStateOptions options)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _free = new(options.ReaderCount, options.ReaderCount);
    private readonly ConcurrentBag<SqliteSession> _idle = [];
    private bool _closed;

    /// <summary>Reads. All of it sees one state of the database.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Read(work), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Waits for reads under way and closes the connections.</summary>
    public async Task CloseAsync()
    {
        for (var i = 0; i < options.ReaderCount; i++)
        {
            await _free.WaitAsync().ConfigureAwait(false);
        }

        _closed = true;
        foreach (var session in _idle)
        {
            session.Dispose();
        }

        _free.Release(options.ReaderCount);
    }

    private T Read<T>(Func<SqliteSession, T> work)
    {
        if (_closed)
        {
            throw new StateException(ErrorCodes.StateNotConnected, "The store was disconnected while something was being read.");
        }

        SqliteSession? session = null;
        try
        {
            if (!_idle.TryTake(out session))
            {
                session = database.OpenReader();
            }

            session.Run("BEGIN");
            var result = work(session);
            session.Run("COMMIT");
            _idle.Add(session);
            return result;
        }
        catch (Exception exception)
        {
            // Whatever state it is in: the next read gets another.
            session?.Dispose();
            var translated = SqliteFailure.Translate(exception, database.File);
            if (ReferenceEquals(translated, exception))
            {
                throw;
            }

            throw translated;
        }
    }
}
