using System.Diagnostics;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Whether the open file is still the one that others find under its name. A system that lets open files be deleted keeps them for whoever has them
/// open: saves would succeed, and be lost with the process. SQLite knows by the file's inode (on Windows it lets nobody delete it), at the cost of
/// one question to the system. One caller at a time.
/// </summary>
/// <param name="interval">How long an answer holds.</param>
internal sealed class OpenFile(TimeSpan interval)
{
    private long? _lookedAt;

    /// <summary>Whether it was deleted, moved or replaced since it was opened. What is not so is not looked at again within the interval.</summary>
    public bool IsMoved(SqliteSession session)
    {
        if (_lookedAt is { } lookedAt && Stopwatch.GetElapsedTime(lookedAt) < interval)
        {
            return false;
        }

        if (NativeSqlite.IsMoved(session.Connection.Handle!))
        {
            // It may be brought back.
            _lookedAt = null;
            return true;
        }

        _lookedAt = Stopwatch.GetTimestamp();
        return false;
    }
}
