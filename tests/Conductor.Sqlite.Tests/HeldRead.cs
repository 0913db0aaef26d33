using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Tests;

/// <summary>A read that has begun, and seen the database, and holds its reader until it is told to go on.</summary>
internal sealed class HeldRead : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly ManualResetEventSlim _begun = new();
    private readonly ManualResetEventSlim _released = new();

    public HeldRead(SqliteReaders readers) => Over = readers.ReadAsync(Hold, CancellationToken.None);

    public HeldRead(SqliteStateManager store) => Over = store.ReadAsync(Hold, CancellationToken.None);

    public Task<long> Over { get; }

    public void AwaitBegun() => _begun.Wait(_limit).Should().BeTrue();

    public void Release() => _released.Set();

    public void Dispose()
    {
        _released.Set();
        _begun.Dispose();
        _released.Dispose();
    }

    private long Hold(SqliteSession session)
    {
        var count = session.Number("SELECT count(*) FROM conductor_agents");
        _begun.Set();
        _released.Wait(_limit).Should().BeTrue();
        return count;
    }
}
