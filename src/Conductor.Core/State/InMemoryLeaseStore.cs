namespace Conductor.State;

/// <summary>Leases in memory. A name's fence goes on growing after a release, until the name is forgotten. Thread-safe.</summary>
internal sealed class InMemoryLeaseStore(TimeProvider time) : LeaseStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Lease Lease, bool Released)> _leases = new(StringComparer.Ordinal);

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
            return IsCurrent(lease) ? action(argument) : null;
        }
    }

    public void Forget(string name)
    {
        lock (_gate)
        {
            _leases.Remove(name);
        }
    }

    protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var known = _leases.TryGetValue(name, out var entry);
            if (known && !entry.Released && entry.Lease.ExpiresAt > now)
            {
                return new ValueTask<Lease?>((Lease?)null);
            }

            return new ValueTask<Lease?>(Take(name, owner, now + duration));
        }
    }

    protected override ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var expiresAt = time.GetUtcNow() + duration;
        lock (_gate)
        {
            return new ValueTask<Lease?>(
                IsCurrent(observed) && _leases[observed.Name].Lease.Renewal == observed.Renewal ? Take(observed.Name, owner, expiresAt) : null);
        }
    }

    /// <summary>The lease as it was taken or renewed last, unless it was released; and whether it holds.</summary>
    public (Lease? Lease, bool IsHeld) Observe(string name)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            return _leases.TryGetValue(name, out var entry) && !entry.Released ? (entry.Lease, entry.Lease.ExpiresAt > now) : (null, false);
        }
    }

    protected override ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken)
    {
        var expiresAt = time.GetUtcNow() + duration;
        lock (_gate)
        {
            if (!IsCurrent(lease))
            {
                return new ValueTask<Lease?>((Lease?)null);
            }

            var current = _leases[lease.Name].Lease;
            var renewed = current with { ExpiresAt = expiresAt, Renewal = current.Renewal + 1 };
            _leases[lease.Name] = (renewed, Released: false);
            return new ValueTask<Lease?>(renewed);
        }
    }

    protected override ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!IsCurrent(lease))
            {
                return new ValueTask<bool>(false);
            }

            _leases[lease.Name] = (_leases[lease.Name].Lease, Released: true);
            return new ValueTask<bool>(true);
        }
    }

    protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var held = _leases.TryGetValue(name, out var entry) && !entry.Released && entry.Lease.ExpiresAt > now;
            return new ValueTask<Lease?>(held ? entry.Lease : null);
        }
    }

    private Lease Take(string name, string owner, DateTimeOffset expiresAt)
    {
        var lease = new Lease
        {
            Name = name,
            Owner = owner,
            Fence = _leases.TryGetValue(name, out var entry) ? entry.Lease.Fence + 1 : 1,
            Nonce = EntityId.New(),
            ExpiresAt = expiresAt,
        };
        _leases[name] = (lease, Released: false);
        return lease;
    }

    private bool IsCurrent(Lease lease) => _leases.TryGetValue(lease.Name, out var entry) && !entry.Released && entry.Lease.IsSameTaking(lease);
}
