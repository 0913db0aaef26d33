namespace Conductor.Sqlite.Database;

/// <summary>One read that waits for a reader.</summary>
internal abstract class ReadOperation
{
    /// <summary>Reads.</summary>
    public abstract void Run(SqliteSession session);

    /// <summary>Its caller learns what was read.</summary>
    public abstract void Complete();

    /// <summary>Its caller learns why nothing was read.</summary>
    public abstract void Fail(Exception exception);
}
