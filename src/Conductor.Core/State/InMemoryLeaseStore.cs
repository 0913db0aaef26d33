namespace Conductor.State;

/// <summary>
/// Leases in memory. A name is forgotten when its lease is released, unless it is that of a run, which goes with the run: recovery tells by a fence that is
/// one higher that nobody else had the run. The fence of a name grows all the same, for whoever may still hold an older lease of it: a name that is not known
/// goes on above the highest fence of all that were forgotten. Thread-safe.
/// </summary>
/// <param name="store">Whose leases they are.</param>
/// <param name="time">The clock.</param>
/// <param name="isKeptRun">Whether a name is that of a run that is kept.</param>
/// <param name="taken">Told, outside of all locks, whose lease was taken.</param>
/// <param name="released">Told, outside of all locks, that a lease was released.</param>
internal sealed class InMemoryLeaseStore(
    StateManager store, TimeProvider time, Func<string, bool> isKeptRun, Action<string> taken, Action released) : LeaseStore
{
    private readonly Lock _gate = new();

    /// <summary>The highest fence of all names that were forgotten.</summary>
    private long _forgottenFence;

    /// <summary>The lease of each name unless it was released, and the fence of whoever took it last.</summary>
    private readonly Dictionary<string, (Lease? Lease, long Fence)> _leases = new(StringComparer.Ordinal);

    /// <summary>How many names are known.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _leases.Count;
            }
        }
    }

    /// <summary>Runs something while the lease cannot change hands; runs it unchecked when there is no lease to check.</summary>
    /// <returns>What it gives, or null when the lease is not held.</returns>
    public TResult? RunIfHeld<TArgument, TResult>(Lease? lease, TArgument argument, Func<TArgument, TResult> action)
        where TResult : struct
    {
        if (lease is null)
        {
            return action(argument);
        }

        lock (_gate)
        {
            return FindCurrent(lease) is not null ? action(argument) : null;
        }
    }

    public void Forget(string name)
    {
        lock (_gate)
        {
            if (_leases.Remove(name, out var entry))
            {
                _forgottenFence = Math.Max(_forgottenFence, entry.Fence);
            }
        }
    }

    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        var now = time.GetUtcNow();
        Lease lease;
        lock (_gate)
        {
            if (_leases.TryGetValue(name, out var entry) && entry.Lease?.ExpiresAt > now)
            {
                return new ValueTask<Lease?>((Lease?)null);
            }

            lease = Take(name, owner, now, duration);
        }

        taken(name);
        return new ValueTask<Lease?>(lease);
    }

    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        var now = time.GetUtcNow();
        Lease lease;
        lock (_gate)
        {
            if (FindCurrent(observed)?.Renewal != observed.Renewal)
            {
                return new ValueTask<Lease?>((Lease?)null);
            }

            lease = Take(observed.Name, owner, now, duration);
        }

        taken(observed.Name);
        return new ValueTask<Lease?>(lease);
    }

    /// <summary>The lease as it was taken or renewed last, unless it was released; and whether it holds.</summary>
    public (Lease? Lease, bool IsHeld) Observe(string name)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var lease = _leases.GetValueOrDefault(name).Lease;
            return (lease, lease?.ExpiresAt > now);
        }
    }

    protected override ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        var expiresAt = time.GetUtcNow() + duration;
        lock (_gate)
        {
            if (FindCurrent(lease) is not { } current)
            {
                return new ValueTask<Lease?>((Lease?)null);
            }

            var renewed = current with { ExpiresAt = expiresAt, Renewal = current.Renewal + 1 };
            _leases[lease.Name] = (renewed, renewed.Fence);
            return new ValueTask<Lease?>(renewed);
        }
    }

    protected override ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        lock (_gate)
        {
            if (FindCurrent(lease) is not { } current)
            {
                return new ValueTask<bool>(false);
            }

            if (isKeptRun(lease.Name))
            {
                _leases[lease.Name] = (null, current.Fence);
            }
            else
            {
                Forget(lease.Name);
            }
        }

        released();
        return new ValueTask<bool>(true);
    }

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken)
    {
        store.ThrowIfNotConnected();
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var lease = _leases.GetValueOrDefault(name).Lease;
            return new ValueTask<Lease?>(lease?.ExpiresAt > now ? lease : null);
        }
    }

    private Lease Take(string name, string owner, DateTimeOffset now, TimeSpan duration)
    {
        var lease = new Lease
        {
            Name = name,
            Owner = owner,
            Fence = (_leases.TryGetValue(name, out var entry) ? entry.Fence : _forgottenFence) + 1,
            Nonce = EntityId.New(),
            ExpiresAt = now + duration,
            Term = duration,
        };
        _leases[name] = (lease, lease.Fence);
        return lease;
    }

    /// <summary>The lease as it was taken or renewed last, if this is the same taking of it.</summary>
    private Lease? FindCurrent(Lease lease) => _leases.GetValueOrDefault(lease.Name).Lease is { } current && current.IsSameTaking(lease) ? current : null;
}
