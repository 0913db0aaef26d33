namespace Conductor;

/// <summary>Too many tasks wait already: QUEUE_FULL.</summary>
public sealed class QueueFullException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="capacity">How many may wait.</param>
    /// <param name="setting">The setting that says so.</param>
    public QueueFullException(int capacity, string setting)
        : base(ErrorCodes.QueueFull, $"{capacity} tasks wait for an agent already, as many as {setting} allows. Dispatch slower, add agents, or raise it.")
    {
        Capacity = capacity;
        IsTransient = true;
    }

    /// <summary>How many may wait.</summary>
    public int Capacity { get; }
}
