using System.Numerics;
using Conductor.Threading;

namespace Conductor.State;

/// <summary>
/// The results of the youngest executions, by execution, up to a count and an age. One array holds them in the order they came and chains
/// them by hash, so that a result costs no object beside its own: what is kept for long and then thrown away is the dearest garbage. Thread-safe.
/// </summary>
internal sealed class RetainedResults(int maxCount, TimeSpan maxAge, TimeProvider time)
{
    private const int SmallestSize = 16;
    private const int None = -1;

    private readonly CoarseClock _clock = new(time);
    private readonly Lock _gate = new();
    private Entry[] _entries = new Entry[Math.Min(SmallestSize, maxCount)];
    private int[] _buckets = NewBuckets(SmallestSize);
    private int _oldest;
    private int _count;
    private int _ofRuns;

    /// <summary>The highest number of an id, of all that were ever added.</summary>
    private long _youngest;

    /// <summary>Whether there are any of runs: those that came before their run.</summary>
    public bool HasOfRuns => Volatile.Read(ref _ofRuns) > 0;

    public bool Contains(in ResultKey key)
    {
        if (IsYoungerThanAll(key))
        {
            return false;
        }

        lock (_gate)
        {
            return IndexOfYoung(key) != None;
        }
    }

    public TaskResult? Find(in ResultKey key)
    {
        if (IsYoungerThanAll(key))
        {
            return null;
        }

        lock (_gate)
        {
            return IndexOfYoung(key) is var index and not None ? _entries[index].ToResult() : null;
        }
    }

    /// <summary>Adds a result, unless one of its execution is kept.</summary>
    /// <param name="key">The execution.</param>
    /// <param name="result">Its result.</param>
    /// <param name="forget">Told of every execution whose result is kept no longer.</param>
    public bool TryAdd(in ResultKey key, TaskResult result, Action<ResultKey> forget)
    {
        var hash = key.GetHashCode();
        var now = _clock.Now;
        var packed = new PackedResult(result, result.WorkflowId, result.LazyTaskId);
        if (!IsYoungerThanAll(key))
        {
            // First, so that one that nobody can read any more does not stand in the way.
            ForgetAged(now, forget);
        }

        ResultKey? crowdedOut;
        bool hasAged;
        lock (_gate)
        {
            if (!IsYoungerThanAll(key) && IndexOf(key, hash) != None)
            {
                return false;
            }

            if (key.Number > _youngest)
            {
                Volatile.Write(ref _youngest, key.Number);
            }

            // The oldest goes first: the youngest gets its place, and touches no memory that was not touched just now.
            crowdedOut = _count == maxCount ? TakeOldest() : null;
            if (_count == _entries.Length)
            {
                Rebuild(Math.Min(_entries.Length * 2, maxCount), static _ => true);
            }

            ref var entry = ref Append(hash, now);
            (entry.Key, entry.Result) = (key, packed);
            _ofRuns += key.WorkflowId is null ? 0 : 1;
            hasAged = IsOldestTooOld(now);
        }

        // Outside the lock: what is forgotten with a result is not known here.
        if (crowdedOut is { } oldest)
        {
            forget(oldest);
        }

        if (hasAged)
        {
            ForgetAged(now, forget);
        }

        return true;
    }

    /// <summary>Removes the results of a run. Costs a walk over all.</summary>
    public void RemoveOf(string workflowId)
    {
        lock (_gate)
        {
            if (_entries.Count(entry => entry.Key.WorkflowId == workflowId) is > 0 and var count)
            {
                Rebuild(_entries.Length, entry => entry.Key.WorkflowId != workflowId);
                _ofRuns -= count;
            }
        }
    }

    /// <summary>
    /// Whether its id was made after all whose results were added: nearly every task is asked for once when it is new, and this needs no lock.
    /// </summary>
    private bool IsYoungerThanAll(in ResultKey key) => key.Number > Volatile.Read(ref _youngest);

    private void ForgetAged(TimeSpan now, Action<ResultKey> forget)
    {
        while (true)
        {
            ResultKey aged;
            lock (_gate)
            {
                if (!IsOldestTooOld(now))
                {
                    return;
                }

                aged = TakeOldest();
            }

            forget(aged);
        }
    }

    private bool IsOldestTooOld(TimeSpan now) => _count > 0 && now - _entries[_oldest].At > maxAge;

    /// <summary>Where a result is that is not too old to be read. The clock is looked at only when there is one.</summary>
    private int IndexOfYoung(in ResultKey key) =>
        IndexOf(key, key.GetHashCode()) is var index and not None && _clock.Now - _entries[index].At <= maxAge ? index : None;

    private ResultKey TakeOldest()
    {
        ref var entry = ref _entries[_oldest];
        var key = entry.Key;
        _ofRuns -= key.WorkflowId is null ? 0 : 1;
        Unchain(_oldest, entry.Hash, entry.Next);
        entry = default;
        _oldest = PlaceOf(_oldest + 1);
        _count--;
        return key;
    }

    private int IndexOf(in ResultKey key, int hash)
    {
        for (var index = _buckets[BucketOf(hash)]; index != None; index = _entries[index].Next)
        {
            ref var entry = ref _entries[index];
            if (entry.Hash == hash && entry.Key.Equals(key))
            {
                return index;
            }
        }

        return None;
    }

    /// <summary>Makes the youngest entry, for its result to be put in.</summary>
    private ref Entry Append(int hash, TimeSpan at)
    {
        var index = PlaceOf(_oldest + _count);
        ref var bucket = ref _buckets[BucketOf(hash)];
        ref var entry = ref _entries[index];
        (entry.At, entry.Hash, entry.Next) = (at, hash, bucket);
        bucket = index;
        _count++;
        return ref entry;
    }

    private void Unchain(int index, int hash, int next)
    {
        ref var link = ref _buckets[BucketOf(hash)];
        while (link != index)
        {
            link = ref _entries[link].Next;
        }

        link = next;
    }

    /// <summary>Makes the array anew.</summary>
    /// <param name="length">How long.</param>
    /// <param name="isKept">Which entries are in it, in their order.</param>
    private void Rebuild(int length, Func<Entry, bool> isKept)
    {
        var known = _entries;
        var (oldest, count) = (_oldest, _count);
        _entries = new Entry[length];
        _buckets = NewBuckets(_entries.Length);
        (_oldest, _count) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref known[(oldest + i) % known.Length];
            if (isKept(entry))
            {
                ref var copy = ref Append(entry.Hash, entry.At);
                (copy.Key, copy.Result) = (entry.Key, entry.Result);
            }
        }
    }

    /// <summary>An index that may have run over the end.</summary>
    private int PlaceOf(int index) => index < _entries.Length ? index : index - _entries.Length;

    private int BucketOf(int hash) => hash & (_buckets.Length - 1);

    private static int[] NewBuckets(int size)
    {
        var buckets = new int[BitOperations.RoundUpToPowerOf2((uint)size)];
        Array.Fill(buckets, None);
        return buckets;
    }

    private struct Entry
    {
        public ResultKey Key;
        public PackedResult Result;
        public TimeSpan At;
        public int Hash;
        public int Next;

        public readonly TaskResult ToResult() => Result.ToResult(Key.WorkflowId, Key.TaskId);
    }
}
