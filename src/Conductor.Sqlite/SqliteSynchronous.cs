namespace Conductor.Sqlite;

/// <summary>When a commit is written through to the disk.</summary>
public enum SqliteSynchronous
{
    /// <summary>Before it is acknowledged: what was saved survives the loss of power.</summary>
    Full,

    /// <summary>Some time after: what was saved survives the death of the process, and the last commits may be lost with the power.</summary>
    Normal,
}
