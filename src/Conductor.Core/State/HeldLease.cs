namespace Conductor.State;

/// <summary>
/// A lease as its owner holds it, with the moment it was renewed last by a clock of this process that only goes forward. Its owner
/// relies on it for two thirds of its term, and holds on to what it does under it for five sixths: after that others may take it soon. Thread-safe.
/// </summary>
internal sealed class HeldLease(Lease lease, long askedAt, TimeProvider time, TimeSpan term)
{
    private Lease _current = lease;
    private long _renewedAt = askedAt;
    private bool _isInDoubt;

    /// <summary>The lease as it was renewed last.</summary>
    public Lease Current => Volatile.Read(ref _current);

    /// <summary>Whether its owner may rely on it without asking.</summary>
    public bool IsFresh => !Volatile.Read(ref _isInDoubt) && Age < term * 2 / 3;

    /// <summary>How much longer its owner may hold on to what it does under it, unless it is renewed; zero or less when it may not.</summary>
    public TimeSpan TimeLeft => (term * 5 / 6) - Age;

    private TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref _renewedAt));

    /// <summary>A store said that it is lost: its owner relies on it no more before it has asked.</summary>
    public void Doubt() => Volatile.Write(ref _isInDoubt, true);

    /// <summary>Waits before it is asked for again, but not beyond <see cref="TimeLeft"/>.</summary>
    public Task RestAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var left = TimeLeft;
        return left <= TimeSpan.Zero ? Task.CompletedTask : Task.Delay(left < pause ? left : pause, time, cancellationToken);
    }

    /// <summary>
    /// Has it renewed. A store that hangs is not waited for beyond a third of the term, nor beyond <see cref="TimeLeft"/>; when its answer comes
    /// later, it counts all the same: the store has renewed the lease, or somebody else has it.
    /// </summary>
    /// <param name="leases">Where it is held.</param>
    /// <param name="failedLate">Told of what the store says instead of an answer when it is no longer waited for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when it is lost.</returns>
    /// <exception cref="StateException">STATE_UNAVAILABLE: the store has not answered by then.</exception>
    public ValueTask<bool> TryRenewAsync(LeaseStore leases, Action<Exception> failedLate, CancellationToken cancellationToken)
    {
        // Paused for so long that no time is left, it asks like anybody: the store may be well.
        var left = TimeLeft;
        var patience = left > TimeSpan.Zero && left < term / 3 ? left : term / 3;
        return AskAsync(leases, cancellationToken).InTimeAsync(
            patience,
            time,
            $"the lease '{Current.Name}' was to be renewed: it hangs, or another process locks it. Should that happen often, raise the lease's duration.",
            Current.Name,
            failedLate,
            cancellationToken);
    }

    private async ValueTask<bool> AskAsync(LeaseStore leases, CancellationToken cancellationToken)
    {
        var askedAtTimestamp = time.GetTimestamp();
        if (await leases.TryRenewAsync(Current, term, cancellationToken).ConfigureAwait(false) is not { } renewed)
        {
            Doubt();
            return false;
        }

        Renew(renewed, askedAtTimestamp);
        return true;
    }

    /// <summary>It was renewed, for its term from when that was asked for at least. Of several answers, that to the last question counts.</summary>
    private void Renew(Lease renewed, long askedAtTimestamp)
    {
        lock (this)
        {
            if (askedAtTimestamp >= _renewedAt)
            {
                Volatile.Write(ref _current, renewed);
                Volatile.Write(ref _renewedAt, askedAtTimestamp);
                Volatile.Write(ref _isInDoubt, false);
            }
        }
    }
}
