namespace Conductor.Coordination;

/// <summary>Counts the tasks that wait in all queues of a coordinator, and refuses one too many. Thread-safe.</summary>
internal sealed class WaitingLimit(int capacity)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <exception cref="QueueFullException">As many wait as may.</exception>
    public void Enter(bool mayExceed)
    {
        if (Interlocked.Increment(ref _count) > capacity && !mayExceed)
        {
            Interlocked.Decrement(ref _count);
            throw new QueueFullException(capacity, $"{nameof(DispatchOptions)}.{nameof(DispatchOptions.QueueCapacity)}");
        }
    }

    public void Leave() => Interlocked.Decrement(ref _count);
}
