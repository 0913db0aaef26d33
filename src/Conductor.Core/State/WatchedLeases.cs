namespace Conductor.State;

/// <summary>
/// Leases of others, as they are seen from here. One that has not changed for two of its terms, by a clock that only goes forward, is that of an owner who
/// is dead, whatever the store's clock says: it may have jumped back, and would then say for a day that the owner lives. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="ownTerm">The term of whoever watches, for leases that do not say theirs, or a shorter one.</param>
internal sealed class WatchedLeases(TimeProvider time, TimeSpan ownTerm)
{
    private readonly Dictionary<string, (Lease Lease, long SeenAt)> _seen = new(StringComparer.Ordinal);

    /// <summary>For how long a lease was seen unchanged.</summary>
    public TimeSpan SilenceOf(Lease lease)
    {
        var now = time.GetTimestamp();
        lock (_seen)
        {
            if (_seen.TryGetValue(lease.Name, out var seen) && seen.Lease.IsSameTaking(lease) && seen.Lease.Renewal == lease.Renewal)
            {
                return time.GetElapsedTime(seen.SeenAt, now);
            }

            _seen[lease.Name] = (lease, now);
            return TimeSpan.Zero;
        }
    }

    /// <summary>The term of an owner that renews a lease less often than whoever watches would, or that one's own.</summary>
    public TimeSpan TermOf(Lease lease) => lease.Term is { } term && term > ownTerm ? term : ownTerm;

    /// <summary>Whether it was not renewed for two terms. (Half the silence is compared: twice the longest term that there can be is no time.)</summary>
    public bool IsOwnerDead(Lease lease) => SilenceOf(lease) / 2 >= TermOf(lease);

    /// <summary>Takes a lease that nobody holds, or whose owner is dead.</summary>
    /// <param name="leases">Where it is.</param>
    /// <param name="name">What is leased.</param>
    /// <param name="owner">Whose it is to be.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when somebody holds it, as far as is known.</returns>
    public async ValueTask<Lease?> TryTakeAsync(LeaseStore leases, string name, string owner, CancellationToken cancellationToken)
    {
        var taken = await leases.TryAcquireAsync(name, owner, ownTerm, cancellationToken).ConfigureAwait(false);
        if (taken is null && await leases.GetAsync(name, cancellationToken).ConfigureAwait(false) is { } held && IsOwnerDead(held))
        {
            taken = await leases.TryTakeOverAsync(held, owner, ownTerm, cancellationToken).ConfigureAwait(false);
        }

        if (taken is not null)
        {
            lock (_seen)
            {
                _seen.Remove(name);
            }
        }

        return taken;
    }

    /// <summary>Forgets leases that are not looked at any more.</summary>
    /// <param name="names">Those that are.</param>
    public void ForgetAllBut(IReadOnlySet<string> names)
    {
        lock (_seen)
        {
            foreach (var name in _seen.Keys.Where(name => !names.Contains(name)).ToList())
            {
                _seen.Remove(name);
            }
        }
    }
}
