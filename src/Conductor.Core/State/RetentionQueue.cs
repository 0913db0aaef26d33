namespace Conductor.State;

/// <summary>Keeps the youngest keys, up to a count and an age, and has the others forgotten. Thread-safe.</summary>
/// <param name="maxCount">The count.</param>
/// <param name="maxAge">The age.</param>
/// <param name="forget">Forgets a key.</param>
/// <param name="mayForget">Whether a key may be forgotten already; one that may not is asked about again.</param>
internal sealed class RetentionQueue<TKey>(int maxCount, TimeSpan maxAge, Action<TKey> forget, Func<TKey, bool> mayForget)
    where TKey : IEquatable<TKey>
{
    private readonly Lock _gate = new();
    private readonly Queue<(TKey Key, DateTimeOffset At)> _order = new();

    /// <summary>Those whose turn has come, and that may not be forgotten yet; null as long as there are none.</summary>
    private List<TKey>? _spared;

    /// <summary>Whether there is one that was not to be forgotten yet when its turn came.</summary>
    public bool HasSpared
    {
        get
        {
            lock (_gate)
            {
                return _spared is { Count: > 0 };
            }
        }
    }

    public void Add(TKey key, DateTimeOffset now)
    {
        lock (_gate)
        {
            _order.Enqueue((key, now));
        }

        Trim(now);
    }

    public void Trim(DateTimeOffset now)
    {
        while (TryTakeSurplus(now, out var key))
        {
            forget(key);
        }
    }

    /// <summary>Takes a key out without having it forgotten. Costs a walk over all: for rare, explicit deletes.</summary>
    public void Remove(TKey key)
    {
        lock (_gate)
        {
            _spared?.Remove(key);
            for (var left = _order.Count; left > 0; left--)
            {
                var entry = _order.Dequeue();
                if (!entry.Key.Equals(key))
                {
                    _order.Enqueue(entry);
                }
            }
        }
    }

    private bool TryTakeSurplus(DateTimeOffset now, out TKey key)
    {
        lock (_gate)
        {
            if (_spared?.FindIndex(spared => mayForget(spared)) is { } place and >= 0)
            {
                key = _spared[place];
                _spared.RemoveAt(place);
                return true;
            }

            while (_order.TryPeek(out var oldest) && (_order.Count > maxCount || now - oldest.At > maxAge))
            {
                key = _order.Dequeue().Key;
                if (mayForget(key))
                {
                    return true;
                }

                (_spared ??= []).Add(key);
            }
        }

        key = default!;
        return false;
    }
}
