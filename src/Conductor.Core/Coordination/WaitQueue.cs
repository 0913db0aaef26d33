using System.Runtime.CompilerServices;

namespace Conductor.Coordination;

/// <summary>
/// Waiters in the order they are served: critical first, arrival order within a level, and each ageing interval counts as one level more,
/// so that none is starved. Finding the next looks at one head per level. Not thread-safe: its owner holds a lock.
/// </summary>
internal sealed class WaitQueue<T>(TimeProvider time, TimeSpan ageingInterval)
    where T : class
{
    private const int LevelCount = (int)TaskPriority.Critical + 1;

    private readonly LinkedList<Entry>[] _levels = [.. Enumerable.Range(0, LevelCount).Select(static _ => new LinkedList<Entry>())];

    public int Count { get; private set; }

    /// <summary>Adds a waiter where its arrival places it: at the end, or for one that comes back, before those that came later.</summary>
    public LinkedListNode<Entry> Add(T waiter, TaskPriority priority, long arrivedAt)
    {
        var level = _levels[(int)priority];
        Count++;
        var entry = new Entry(waiter, priority, arrivedAt);
        var before = level.Last;
        while (before is not null && before.Value.ArrivedAt > arrivedAt)
        {
            before = before.Previous;
        }

        return before is null ? level.AddFirst(entry) : level.AddAfter(before, entry);
    }

    public bool Remove(LinkedListNode<Entry> node)
    {
        if (node.List is not { } level)
        {
            return false;
        }

        level.Remove(node);
        Count--;
        return true;
    }

    /// <summary>Takes out the first waiter that meets a condition.</summary>
    public T? TakeFirst<TArg>(Func<T, TArg, bool> condition, TArg argument)
    {
        var heads = default(Heads);
        for (var i = 0; i < LevelCount; i++)
        {
            heads[i] = _levels[i].First;
        }

        while (Best(heads) is var best and >= 0)
        {
            var node = heads[best]!;
            if (condition(node.Value.Waiter, argument))
            {
                Remove(node);
                return node.Value.Waiter;
            }

            heads[best] = node.Next;
        }

        return null;
    }

    public List<T> TakeAll()
    {
        var all = new List<T>(Count);
        foreach (var level in _levels)
        {
            all.AddRange(level.Select(static entry => entry.Waiter));
            level.Clear();
        }

        Count = 0;
        return all;
    }

    private int Best(ReadOnlySpan<LinkedListNode<Entry>?> heads)
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

            var rank = level + (long)(time.GetElapsedTime(head.Value.ArrivedAt) / ageingInterval);
            if (rank > bestRank || (rank == bestRank && head.Value.ArrivedAt < heads[best]!.Value.ArrivedAt))
            {
                best = level;
                bestRank = rank;
            }
        }

        return best;
    }

    /// <summary>The level that has waiters, if no other has: nearly always, and then nobody's age matters.</summary>
    private static int OnlyHead(ReadOnlySpan<LinkedListNode<Entry>?> heads)
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

    [InlineArray(LevelCount)]
    private struct Heads
    {
        private LinkedListNode<Entry>? _first;
    }

    internal readonly record struct Entry(T Waiter, TaskPriority Priority, long ArrivedAt);
}
