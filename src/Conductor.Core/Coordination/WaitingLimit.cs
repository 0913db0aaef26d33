namespace Conductor.Coordination;

/// <summary>Counts the tasks that wait in all queues of a coordinator, and refuses one too many. Thread-safe.</summary>
internal sealed class WaitingLimit(int capacity, DispatchCounts counts)
{
    private volatile bool _isClosed;

    /// <summary>Whether nobody may begin to wait any more.</summary>
    public bool IsClosed => _isClosed;

    public int Count => Volatile.Read(ref counts.Waiting);

    /// <exception cref="QueueFullException">As many wait as may.</exception>
    public void Enter(bool mayExceed)
    {
        if (Interlocked.Increment(ref counts.Waiting) > capacity && !mayExceed)
        {
            Interlocked.Decrement(ref counts.Waiting);
            throw new QueueFullException(capacity, $"{nameof(DispatchOptions)}.{nameof(DispatchOptions.QueueCapacity)}");
        }
    }

    public void Close() => _isClosed = true;

    public void Leave() => Interlocked.Decrement(ref counts.Waiting);
}
