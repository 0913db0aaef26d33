using System.Diagnostics;

namespace Conductor.Sqlite.Database;

/// <summary>One save that waits for the writer. It checks first and writes afterwards, and may be run again after a rollback.</summary>
internal abstract class WriteOperation(bool runsAlone)
{
    /// <summary>Whether it gets a transaction of its own.</summary>
    public bool RunsAlone { get; } = runsAlone;

    /// <summary>When it was asked for, by the clock of <see cref="Stopwatch"/>.</summary>
    public long QueuedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>Whether its caller knows the answer.</summary>
    public abstract bool IsDone { get; }

    /// <summary>
    /// Claims the operation for a transaction that has begun: from here on what becomes of it is not known until that ends, so that it cannot be
    /// given up.
    /// </summary>
    /// <returns>False when its caller gave up before.</returns>
    public abstract bool TryBegin();

    /// <summary>Its transaction was rolled back, and it is to be run in another one: its caller can give up until then.</summary>
    public abstract void TakeBack();

    /// <summary>Lets its caller give up before a transaction begins: it has not been done, or was rolled back.</summary>
    /// <returns>Whether its caller knows the answer, this or another.</returns>
    public abstract bool TryGiveUp();

    /// <summary>Runs it inside a transaction. A refusal (a conflict, a lost lease) is its answer, not a failure.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>The transaction is committed: its caller learns the answer.</summary>
    public abstract void Complete();

    /// <summary>It was rolled back.</summary>
    public abstract void Fail(Exception exception);
}
