using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Conductor.Coordination;

/// <summary>
/// The pools by agent type. The types of a program are few, and the same text each time one is named: most pools are found by that, without a look at
/// the text. Thread-safe.
/// </summary>
internal sealed class AgentPools(Func<AgentType, AgentPool> create)
{
    /// <summary>More are looked up by their text alone.</summary>
    private const int Few = 8;

    private readonly ConcurrentDictionary<AgentType, AgentPool> _all = new();

    /// <summary>Those that were made first. Replaced, never changed.</summary>
    private volatile AgentPool[] _few = [];

    /// <summary>Whether none was ever made. (The dictionary takes all its locks to say so.)</summary>
    public bool IsEmpty => _few.Length == 0;

    /// <summary>All pools.</summary>
    public ICollection<AgentPool> All => _all.Values;

    /// <summary>How many agents there are. (Looked at one after the other: taking all locks of the dictionary is not worth it.)</summary>
    public int AgentCount
    {
        get
        {
            var count = 0;
            foreach (var (_, pool) in _all)
            {
                count += pool.AgentCount;
            }

            return count;
        }
    }

    public bool TryGet(AgentType type, [NotNullWhen(true)] out AgentPool? pool)
    {
        foreach (var known in _few)
        {
            if (ReferenceEquals(known.Type.Name, type.Name))
            {
                pool = known;
                return true;
            }
        }

        return _all.TryGetValue(type, out pool);
    }

    public AgentPool GetOrAdd(AgentType type)
    {
        if (TryGet(type, out var known))
        {
            return known;
        }

        lock (_all)
        {
            var pool = _all.GetOrAdd(type, create);
            if (_few.Length < Few && !_few.Contains(pool))
            {
                _few = [.. _few, pool];
            }

            return pool;
        }
    }
}
