using System.Runtime.CompilerServices;

namespace Conductor.Coordination;

/// <summary>
/// Those that wait for an agent, in the order in which they are served. Finding the next looks at one head per level. Not thread-safe: its owner holds a lock.
/// </summary>
internal sealed class WaitQueue(ServingOrder order)
{
    private const int LevelCount = (int)TaskPriority.Critical + 1;

    private Ends _first;
    private Ends _last;

    public int Count { get; private set; }

    /// <summary>Adds a waiter where its waiting places it: at the end, or for one that comes back, before those that have waited less.</summary>
    public void Add(AgentWaiter waiter)
    {
        var level = (int)waiter.Ticket.Task.Priority;
        var before = _last[level];
        while (before is not null && before.Ticket.WaitsSince > waiter.Ticket.WaitsSince)
        {
            before = before.Previous;
        }

        var after = before is null ? _first[level] : before.Next;
        (waiter.Previous, waiter.Next, waiter.IsQueued) = (before, after, true);
        Link(level, before, waiter);
        Link(level, waiter, after);
        Count++;
    }

    /// <summary>Takes a waiter out. False when it was taken out before.</summary>
    public bool Remove(AgentWaiter waiter)
    {
        if (!waiter.IsQueued)
        {
            return false;
        }

        Link((int)waiter.Ticket.Task.Priority, waiter.Previous, waiter.Next);
        (waiter.Previous, waiter.Next, waiter.IsQueued) = (null, null, false);
        Count--;
        return true;
    }

    /// <summary>Takes out the first waiter that meets a condition.</summary>
    public AgentWaiter? TakeFirst<TArg>(Func<AgentWaiter, TArg, bool> condition, TArg argument)
    {
        var first = FindFirst(condition, argument);
        if (first is not null)
        {
            Remove(first);
        }

        return first;
    }

    /// <summary>The first waiter that meets a condition.</summary>
    public AgentWaiter? FindFirst<TArg>(Func<AgentWaiter, TArg, bool> condition, TArg argument)
    {
        var heads = _first;
        while (Best(heads) is var best and >= 0)
        {
            var waiter = heads[best]!;
            var isMet = condition(waiter, argument);
            if (!waiter.IsQueued)
            {
                // Its time was up as the clock was read: one that tests move runs what is due on the thread that looks at it.
                heads = _first;
                continue;
            }

            if (isMet)
            {
                return waiter;
            }

            heads[best] = waiter.Next;
        }

        return null;
    }

    public List<AgentWaiter> TakeAll()
    {
        var all = new List<AgentWaiter>(Count);
        for (var level = 0; level < LevelCount; level++)
        {
            while (_first[level] is { } waiter)
            {
                Remove(waiter);
                all.Add(waiter);
            }
        }

        return all;
    }

    /// <summary>Makes two of a level neighbours; nobody before makes the other its first, nobody after its last.</summary>
    private void Link(int level, AgentWaiter? before, AgentWaiter? after)
    {
        if (before is null)
        {
            _first[level] = after;
        }
        else
        {
            before.Next = after;
        }

        if (after is null)
        {
            _last[level] = before;
        }
        else
        {
            after.Previous = before;
        }
    }

    private int Best(ReadOnlySpan<AgentWaiter?> heads)
    {
        if (OnlyHead(heads) is var only and >= 0)
        {
            return only;
        }

        var best = -1;
        var bestRank = long.MinValue;
        for (var level = LevelCount - 1; level >= 0; level--)
        {
            if (heads[level] is not { } head)
            {
                continue;
            }

            var rank = order.RankOf(head.Ticket);
            if (rank > bestRank || (rank == bestRank && head.Ticket.WaitsSince < heads[best]!.Ticket.WaitsSince))
            {
                best = level;
                bestRank = rank;
            }
        }

        return best;
    }

    /// <summary>The level that has waiters, if no other has: nearly always, and then nobody's age matters.</summary>
    private static int OnlyHead(ReadOnlySpan<AgentWaiter?> heads)
    {
        var only = -1;
        for (var level = 0; level < heads.Length; level++)
        {
            if (heads[level] is not null)
            {
                if (only >= 0)
                {
                    return -1;
                }

                only = level;
            }
        }

        return only;
    }

    /// <summary>A waiter of each level.</summary>
    [InlineArray(LevelCount)]
    private struct Ends
    {
        private AgentWaiter? _lowest;
    }
}
