using System.Runtime.CompilerServices;

namespace Conductor.Coordination;

/// <summary>
/// Waiters in the order they are served: critical first, arrival order within a level, and each ageing interval counts as one level more,
/// so that none is starved. Finding the next looks at one head per level. Not thread-safe: its owner holds a lock.
/// </summary>
internal sealed class WaitQueue<T>(TimeProvider time, TimeSpan ageingInterval)
    where T : Waiter<T>
{
    private const int LevelCount = (int)TaskPriority.Critical + 1;

    private Ends _first;
    private Ends _last;

    public int Count { get; private set; }

    /// <summary>Adds a waiter where its arrival places it: at the end, or for one that comes back, before those that came later.</summary>
    public void Add(T waiter)
    {
        var level = (int)waiter.Ticket.Task.Priority;
        var before = _last[level];
        while (before is not null && before.Ticket.ArrivedAt > waiter.Ticket.ArrivedAt)
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
    public bool Remove(T waiter)
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
    public T? TakeFirst<TArg>(Func<T, TArg, bool> condition, TArg argument)
    {
        var heads = _first;
        while (Best(heads) is var best and >= 0)
        {
            var waiter = heads[best]!;
            if (condition(waiter, argument))
            {
                Remove(waiter);
                return waiter;
            }

            heads[best] = waiter.Next;
        }

        return null;
    }

    public List<T> TakeAll()
    {
        var all = new List<T>(Count);
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
    private void Link(int level, T? before, T? after)
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

    private int Best(ReadOnlySpan<T?> heads)
    {
        if (OnlyHead(heads) is var only and >= 0)
        {
            return only;
        }

        var best = -1;
        var bestRank = long.MinValue;
        for (var level = LevelCount - 1; level >= 0; level--)
        {
            if (heads[level]?.Ticket.ArrivedAt is not { } arrivedAt)
            {
                continue;
            }

            var rank = level + (long)(time.GetElapsedTime(arrivedAt) / ageingInterval);
            if (rank > bestRank || (rank == bestRank && arrivedAt < heads[best]!.Ticket.ArrivedAt))
            {
                best = level;
                bestRank = rank;
            }
        }

        return best;
    }

    /// <summary>The level that has waiters, if no other has: nearly always, and then nobody's age matters.</summary>
    private static int OnlyHead(ReadOnlySpan<T?> heads)
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
        private T? _lowest;
    }
}
