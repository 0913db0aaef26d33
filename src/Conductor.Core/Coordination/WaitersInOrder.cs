namespace Conductor.Coordination;

/// <summary>
/// Those that wait for capacity, in the order in which they are served. They come back to their places again and again, and there may be many
/// thousands: each step takes the logarithm of their number. Not thread-safe: the gate holds a lock.
/// </summary>
internal sealed class WaitersInOrder(ServingOrder order)
{
    private readonly SortedSet<CapacityWaiter>?[] _levels = new SortedSet<CapacityWaiter>?[(int)TaskPriority.Critical + 1];

    public int Count { get; private set; }

    /// <summary>All of them, in no order.</summary>
    public IEnumerable<CapacityWaiter> All => _levels.SelectMany(static level => level is null ? Enumerable.Empty<CapacityWaiter>() : level);

    /// <summary>The one that is served first; null for none.</summary>
    public CapacityWaiter? First
    {
        get
        {
            CapacityWaiter? first = null;
            for (var level = _levels.Length - 1; level >= 0 && Count > 0; level--)
            {
                if (_levels[level]?.Min is { } head && order.IsBefore(head, first))
                {
                    first = head;
                }
            }

            return first;
        }
    }

    public void Add(CapacityWaiter waiter)
    {
        ref var level = ref _levels[(int)waiter.Ticket.Task.Priority];
        level ??= new SortedSet<CapacityWaiter>(ServingOrder.OfArrival);
        Count += level.Add(waiter) ? 1 : 0;
    }

    public void Remove(CapacityWaiter waiter) =>
        Count -= _levels[(int)waiter.Ticket.Task.Priority]?.Remove(waiter) == true ? 1 : 0;
}
