namespace Conductor.Sqlite.Database;

/// <summary>
/// One read that waits for a reader. Its caller learns what became of it on the thread pool, in the queue that all threads share: what was asked
/// for first goes on first. (What a thread of the pool leaves to the pool otherwise, it takes up itself from the end.)
/// </summary>
internal abstract class ReadOperation : IThreadPoolWorkItem
{
    /// <summary>Reads.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>Its caller is to learn what was read.</summary>
    public void Complete() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Its caller is to learn why nothing was read.</summary>
    public void Fail(Exception exception)
    {
        Note(exception);
        Complete();
    }

    /// <inheritdoc />
    void IThreadPoolWorkItem.Execute() => Tell();

    /// <summary>Why nothing was read.</summary>
    protected abstract void Note(Exception exception);

    /// <summary>Its caller goes on.</summary>
    protected abstract void Tell();
}
