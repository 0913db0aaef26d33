namespace Conductor.State;

/// <summary>
/// A lease as its owner holds it, with the moment it was renewed last by a clock of this process that only goes forward. Its owner
/// relies on it for two thirds of its term. Thread-safe.
/// </summary>
internal sealed class HeldLease(Lease lease, long askedAt, TimeProvider time, TimeSpan term)
{
    private Lease _current = lease;
    private long _renewedAt = askedAt;
    private bool _isInDoubt;

    /// <summary>The lease as it was renewed last.</summary>
    public Lease Current => Volatile.Read(ref _current);

    /// <summary>Whether its owner may rely on it without asking.</summary>
    public bool IsFresh => !Volatile.Read(ref _isInDoubt) && time.GetElapsedTime(Volatile.Read(ref _renewedAt)) < term * 2 / 3;

    /// <summary>A store said that it is lost: its owner relies on it no more before it has asked.</summary>
    public void Doubt() => Volatile.Write(ref _isInDoubt, true);

    /// <summary>It was renewed.</summary>
    /// <param name="renewed">The renewed lease.</param>
    /// <param name="askedAtTimestamp">When that was asked for: the store may have answered late.</param>
    public void Renew(Lease renewed, long askedAtTimestamp)
    {
        Volatile.Write(ref _current, renewed);
        Volatile.Write(ref _renewedAt, askedAtTimestamp);
        Volatile.Write(ref _isInDoubt, false);
    }
}
