namespace Conductor.State;

/// <summary>Leases by name: at most one holder each at a time. Handed out by a <see cref="StateManager"/>; thread-safe.</summary>
public abstract class LeaseStore
{
    /// <summary>For ever, as far as a lease is concerned; a date that is so far away can be written down.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromDays(365_000);

    /// <summary>Takes a lease that is free, released or has run out.</summary>
    /// <param name="name">What is leased.</param>
    /// <param name="owner">Who takes it.</param>
    /// <param name="duration">For how long; over zero. What is longer than 365,000 days is as long as that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease, or null when somebody holds it (the same owner included).</returns>
    public ValueTask<Lease?> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(name);
        IdText.ThrowIfInvalid(owner);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return TryAcquireCoreAsync(name, owner, AtMost(duration), cancellationToken);
    }

    /// <summary>
    /// Takes a lease from an owner who gives no sign of life, whatever the store's clock says: clocks can jump back, and a lease would then seem
    /// to hold for ever. The caller has seen the same renewal for long enough on a clock of its own that only goes forward.
    /// </summary>
    /// <param name="observed">The lease as it was seen all that time.</param>
    /// <param name="owner">Who takes it.</param>
    /// <param name="duration">For how long; over zero. What is longer than 365,000 days is as long as that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease, or null when it was renewed, released or taken meanwhile.</returns>
    public ValueTask<Lease?> TryTakeOverAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(observed);
        IdText.ThrowIfInvalid(owner);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return TryTakeOverCoreAsync(observed, owner, AtMost(duration), cancellationToken);
    }

    /// <summary>Holds a lease longer.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="duration">For how long from now; over zero. What is longer than 365,000 days is as long as that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The renewed lease, or null when it was lost.</returns>
    public ValueTask<Lease?> TryRenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return TryRenewCoreAsync(lease, AtMost(duration), cancellationToken);
    }

    /// <summary>Gives a lease back, so that another can take it at once.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when it was lost before.</returns>
    public ValueTask<bool> ReleaseAsync(Lease lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        cancellationToken.ThrowIfCancellationRequested();
        return ReleaseCoreAsync(lease, cancellationToken);
    }

    /// <summary>The current holder's lease.</summary>
    /// <param name="name">What is leased.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lease, or null when nobody holds it.</returns>
    public ValueTask<Lease?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(name);
        cancellationToken.ThrowIfCancellationRequested();
        return GetCoreAsync(name, cancellationToken);
    }

    private static TimeSpan AtMost(TimeSpan duration) => duration < _longest ? duration : _longest;

    /// <summary>Takes a lease that is free, released or has run out.</summary>
    /// <param name="name">What is leased.</param>
    /// <param name="owner">Who takes it.</param>
    /// <param name="duration">For how long.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Takes a lease that is still as it was observed, even if it has not run out.</summary>
    /// <param name="observed">The lease as it was seen.</param>
    /// <param name="owner">Who takes it.</param>
    /// <param name="duration">For how long.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Lease?> TryTakeOverCoreAsync(Lease observed, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Holds a lease longer.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="duration">For how long from now.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Gives a lease back.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken);

    /// <summary>The current holder's lease.</summary>
    /// <param name="name">What is leased.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken);
}
