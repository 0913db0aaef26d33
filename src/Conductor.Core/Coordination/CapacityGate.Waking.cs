namespace Conductor.Coordination;

/// <content>Waking those that wait, when capacity comes free: the first of them, since the others would be denied as it would.</content>
internal sealed partial class CapacityGate
{
    /// <summary>
    /// A running task ended, and its place is free; or an agent has come that is as good as that. Nearly always nobody waits, and then it costs no lock.
    /// </summary>
    /// <param name="promised">Whom it was promised to.</param>
    public void Release(CapacityWaiter? promised)
    {
        Interlocked.Increment(ref counts.Releases);
        promised?.Wake();
        WakeNextUnlessPromised(promised?.Ticket);
    }

    /// <summary>
    /// All is given back that was reserved while nothing ran, and a dispatch met such a reservation: the first of those gets its turn, if it waits
    /// already.
    /// </summary>
    public void Retreat()
    {
        CapacityWaiter? first;
        lock (_gate)
        {
            _retreats++;
            first = FindFirst(kind => kind.FirstAfterRetreat(_retreats));
            Take(first);
        }

        first?.Wake();
    }

    /// <summary>The policies changed.</summary>
    public void ReleaseAll()
    {
        lock (_gate)
        {
            // Whom a limit that is gone was promised for may be as late as anybody.
            _promised.Clear();
            _following = null;
            CountPromises();
        }

        Interlocked.Increment(ref counts.Releases);
        Wake(static _ => true);
    }

    /// <summary>Has those that meet a condition look again at once, in order.</summary>
    public void Wake(Func<DispatchTicket, bool> condition)
    {
        List<CapacityWaiter> woken = [];
        lock (_gate)
        {
            foreach (var kind in _kinds.Values)
            {
                woken.AddRange(kind.All.Where(waiter => condition(waiter.Ticket)));
            }

            woken = _order.Sort(woken);
            woken.ForEach(Remove);
        }

        woken.ForEach(static waiter => waiter.Wake());
    }

    private void WakeNextUnlessPromised(DispatchTicket? promisedTo)
    {
        if (promisedTo is not null && IsStillPromised(promisedTo))
        {
            return;
        }

        // One that no longer waits was cancelled before it was woken, and could not yet pass on what was not yet free.
        if (Volatile.Read(ref counts.WaitingForCapacity) > 0)
        {
            WakeNext(static _ => true);
        }
    }

    /// <summary>The one that is served first of what each kind gives, which may be nobody. Under the lock.</summary>
    private CapacityWaiter? FindFirst(Func<DenialKind, CapacityWaiter?> ofKind)
    {
        CapacityWaiter? first = null;
        foreach (var kind in _kinds.Values)
        {
            if (ofKind(kind) is { } candidate && _order.IsBefore(candidate, first))
            {
                first = candidate;
            }
        }

        return first;
    }

    /// <summary>Wakes the first for whom what came free may be enough, of the kinds that meet a condition.</summary>
    private void WakeNext(Func<DenialKind, bool> condition)
    {
        CapacityWaiter? next;
        lock (_gate)
        {
            next = FindNext(condition, Version);
            Take(next);
            Follow(next is { Kind.Key.IsOfCountsAlone: false } ? _following : null);
        }

        next?.Wake();
    }

    /// <summary>The first for whom what came free up to a version may be enough. Under the lock.</summary>
    private CapacityWaiter? FindNext(Func<DenialKind, bool> condition, long version) =>
        FindFirst(kind => condition(kind) ? kind.FirstAfter(version, _retreats) : null);

    /// <summary>Notes up to when one has looked for all of the kinds that meet a condition. Under the lock.</summary>
    private void Mark(Func<DenialKind, bool> condition, long version, long retreats)
    {
        foreach (var kind in _kinds.Values.Where(condition))
        {
            (kind.JudgedVersion, kind.JudgedRetreats) = (version, retreats);
        }
    }

    /// <summary>The same for the kinds of an agent type. (Apart, since a lambda is made where a method begins, and every dispatch comes by.)</summary>
    private void MarkThoseOf(AgentType type, long version, long retreats) => Mark(kind => kind.Key.AgentType == type, version, retreats);
}
