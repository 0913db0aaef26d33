namespace Conductor.Coordination;

/// <summary>
/// Who is served first of those that wait for capacity: as in a <see cref="WaitQueue{T}"/>, critical first, arrival order within a level, and each ageing interval counts as one
/// level more. Immutable and thread-safe.
/// </summary>
internal sealed class ServingOrder(TimeProvider time, TimeSpan ageingInterval)
{
    /// <summary>The order within a level.</summary>
    public static IComparer<CapacityWaiter> OfArrival { get; } = Comparer<CapacityWaiter>.Create(static (one, other) =>
        one.Ticket.ArrivedAt.CompareTo(other.Ticket.ArrivedAt) is var order and not 0 ? order : one.Number.CompareTo(other.Number));

    /// <summary>Whether one comes before another, who may be nobody.</summary>
    public bool IsBefore(CapacityWaiter one, CapacityWaiter? other)
    {
        if (other is null)
        {
            return true;
        }

        var (rank, otherRank) = one.Ticket.Task.Priority == other.Ticket.Task.Priority ? (0, 0) : (RankOf(one), RankOf(other));
        return rank > otherRank || (rank == otherRank && OfArrival.Compare(one, other) < 0);
    }

    /// <summary>Waiters in order.</summary>
    public List<CapacityWaiter> Sort(IEnumerable<CapacityWaiter> waiters) => [.. waiters.OrderByDescending(RankOf).ThenBy(static waiter => waiter, OfArrival)];

    private long RankOf(CapacityWaiter waiter) => (long)waiter.Ticket.Task.Priority + (long)(time.GetElapsedTime(waiter.Ticket.ArrivedAt) / ageingInterval);
}
