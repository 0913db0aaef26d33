namespace Conductor.Coordination;

/// <summary>
/// Who is served first of those that wait, for an agent or for capacity: critical first, arrival order within a level, and each ageing interval
/// of waiting counts as one level more, so that none is starved. One that comes back for another attempt counts as having arrived so long ago as it has
/// waited: what fails again and again gains nothing by that, and hides nobody's age. Immutable and thread-safe.
/// </summary>
internal sealed class ServingOrder(TimeProvider time, TimeSpan ageingInterval)
{
    /// <summary>The order within a level, of those that wait for capacity.</summary>
    public static IComparer<CapacityWaiter> OfArrival { get; } = Comparer<CapacityWaiter>.Create(static (one, other) =>
        one.Ticket.WaitsSince.CompareTo(other.Ticket.WaitsSince) is var order and not 0 ? order : one.Number.CompareTo(other.Number));

    /// <summary>Whether one comes before another, who may be nobody.</summary>
    public bool IsBefore(CapacityWaiter one, CapacityWaiter? other) => other is null || IsBefore(one.Ticket, other.Ticket);

    /// <summary>
    /// Whether one that waits or has waited comes before another: of those that arrived at the same moment, before one that has not. Within a level
    /// nobody's age matters.
    /// </summary>
    public bool IsBefore(DispatchTicket one, DispatchTicket other)
    {
        var (rank, otherRank) = one.Task.Priority == other.Task.Priority ? (0, 0) : (RankOf(one), RankOf(other));
        return rank > otherRank || (rank == otherRank
            && (one.WaitsSince, one.NumberInGate ?? long.MaxValue).CompareTo((other.WaitsSince, other.NumberInGate ?? long.MaxValue)) <= 0);
    }

    /// <summary>Waiters in order.</summary>
    public List<CapacityWaiter> Sort(IEnumerable<CapacityWaiter> waiters) =>
        [.. waiters.OrderByDescending(waiter => RankOf(waiter.Ticket)).ThenBy(static waiter => waiter, OfArrival)];

    /// <summary>The level of a dispatch, with what it has gained by waiting.</summary>
    public long RankOf(DispatchTicket ticket) => (long)ticket.Task.Priority + (long)(time.GetElapsedTime(ticket.WaitsSince) / ageingInterval);
}
