namespace Conductor.Coordination;

/// <content>
/// Places that came free are promised: whoever is woken for one is not there yet, and a dispatch that is made at that moment would be before it,
/// again and again. So it gives way, unless it is served before the one that has the promise, and waits until that one is admitted or denied, or
/// finds no agent. That holds for what policies limit by counts alone: what others look at may differ from task to task.
/// </content>
internal sealed partial class CapacityGate
{
    /// <summary>Those that have been woken for a place, and have neither taken it nor given it up. Few: they are on their way.</summary>
    private readonly List<(DispatchTicket To, PassingDenial Denial)> _promised = [];

    /// <summary>
    /// The first of those that wait for how many tasks run, while one is judged before it that another policy denied: whoever comes meanwhile gives way to it,
    /// too. Until it is woken or gone, or the one before it has the place, or nobody is on the way any more. Null for nobody.
    /// </summary>
    private CapacityWaiter? _following;

    /// <summary>Whether policies deny for the time being that look at more than counts: only then is a place given back that was there to be had.</summary>
    private bool _isMixed;

    /// <summary>
    /// A place is about to come free: promises it to whoever is woken for it. <see cref="Release"/> follows. Nearly always nobody waits, and then
    /// it costs no lock.
    /// </summary>
    /// <param name="slot">The agent that comes free with it, which is kept for one of its type; null for none.</param>
    /// <returns>Who; null for nobody.</returns>
    public CapacityWaiter? PromiseNext(AgentSlot? slot = null)
    {
        if (Volatile.Read(ref counts.WaitingForCapacity) == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var next = FindNext(static _ => true, Version + 1);
            if (next?.Kind.Key.IsOfCountsAlone != true)
            {
                Follow(next is null ? null : FindNext(static kind => kind.Key.IsOfCountsAlone, Version + 1));
                return null;
            }

            if (Take(next) && slot?.Pool.Type == next.Ticket.Task.AgentType)
            {
                // Under this lock, so that it cannot have gone before, and would never let go of it. (Nobody comes here under a pool's lock.)
                slot.Pool.Keep(slot, next.Ticket);
            }

            return next;
        }
    }

    /// <summary>The same for one that waits for the agent that comes free with the place, if it is served before those that wait for a place.</summary>
    /// <returns>Whether it has the promise.</returns>
    public bool TryPromise(DispatchTicket ticket)
    {
        lock (_gate)
        {
            var next = FindNext(static _ => true, Version + 1);
            if (next?.Kind.Key.IsOfCountsAlone != true || _order.IsBefore(next.Ticket, ticket))
            {
                return false;
            }

            Promise(ticket, next.Denial);
            return true;
        }
    }

    /// <summary>A place is free that was promised to one that waited for an agent.</summary>
    /// <param name="promisedTo">Whom.</param>
    /// <param name="isWithdrawn">Whether that one goes on waiting for an agent.</param>
    public void ReleaseTo(DispatchTicket promisedTo, bool isWithdrawn)
    {
        if (isWithdrawn)
        {
            Withdraw(promisedTo);
        }

        Interlocked.Increment(ref counts.Releases);
        WakeNextUnlessPromised(promisedTo);
    }

    /// <summary>
    /// A place is free whose dispatch looks for another candidate, and takes one again with that: it has the turn, and passes it on when it does not begin.
    /// </summary>
    public void KeepTurn(DispatchTicket ticket)
    {
        Interlocked.Increment(ref counts.Releases);
        ticket.HasTurn = true;
    }

    /// <summary>Nobody gives way to a dispatch any more: it does without the place that it was promised.</summary>
    public void Withdraw(DispatchTicket ticket)
    {
        lock (_gate)
        {
            Forget(ticket);
        }
    }

    /// <summary>What a dispatch waits for because a place is promised to one that is served before it; null for nothing, nearly always.</summary>
    public PassingDenial? FindPromiseBefore(DispatchTicket ticket) => Volatile.Read(ref counts.Promised) == 0 ? null : FindAnyBefore(ticket);

    /// <summary>
    /// A dispatch has a place: nobody gives way to it any more, and where there is room for more, the next is judged. (More may have come free than
    /// was promised, or what was promised to one that gave way.) When it looked for others, too, and is allowed, so is the next of those.
    /// </summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="isAllowed">Whether it may begin; otherwise its policies have not said so yet.</param>
    public void Redeem(DispatchTicket ticket, bool isAllowed)
    {
        if (!ticket.HasTurn && Volatile.Read(ref counts.WaitingForCapacity) == 0)
        {
            return;
        }

        CapacityWaiter? next = null;
        CapacityWaiter? other;
        lock (_gate)
        {
            Forget(ticket);
            if (isAllowed)
            {
                Follow(null);
            }

            if (isAllowed && ticket.ScoutFor is { } key)
            {
                ticket.ScoutFor = null;
                next = _kinds.GetValueOrDefault(key)?.First;
                SendScout(next);
            }

            other = FindFirstWithRoom();
            Take(other);
        }

        next?.Wake();
        other?.Wake();
    }

    /// <summary>Those of an agent type look again, as well as those that are about to wait.</summary>
    public void ReleaseThoseOf(AgentType type)
    {
        Interlocked.Increment(ref counts.Releases);
        Wake(ticket => ticket.Task.AgentType == type);
    }

    /// <summary>
    /// A dispatch was denied, and its place is free again. Where that was not for how many tasks run, another may have been denied for this very place: the
    /// first of those is judged, whatever else runs.
    /// </summary>
    /// <param name="ticket">The dispatch. What it was promised it gives up.</param>
    /// <param name="denial">What it was denied for.</param>
    public void LeavePlace(DispatchTicket ticket, PassingDenial denial)
    {
        if (denial.IsOfCountsAlone)
        {
            return;
        }

        CapacityWaiter? first;
        lock (_gate)
        {
            _isMixed = true;
            Forget(ticket);
            first = FindFirstWithRoom();
            Take(first);
        }

        first?.Wake();
    }

    /// <summary>
    /// Whether one was denied for how many tasks run, and none does by now, nor looks beside it: however often it has looked, nobody would wake it. Under the
    /// lock.
    /// </summary>
    private bool IsAllFree(PassingDenial denial) => denial is { IsOfCountsAlone: true, IsOfPromise: false } && Volatile.Read(ref counts.Running) == 0;

    /// <summary>
    /// Whether a place that was in the way has been given back since, by one that was denied for another reason; or something came free after the first of
    /// several candidates was denied. Under the lock.
    /// </summary>
    private bool HasMissed(PassingDenial denial) =>
        (_isMixed && denial is { IsOfCountsAlone: true, IsOfPromise: false } && Volatile.Read(ref counts.Running) < denial.Before)
            || denial.FirstVersion != Version;

    /// <summary>The first of those that were denied for how many tasks run, when fewer do than were before it then. Under the lock.</summary>
    private CapacityWaiter? FindFirstWithRoom()
    {
        var first = FindFirst(static kind => kind.Key.IsOfCountsAlone ? kind.First : null);
        return Volatile.Read(ref counts.Running) < first?.Denial.Before ? first : null;
    }

    /// <summary>(Apart, since a lambda is made where a method begins, and every dispatch comes by.)</summary>
    private PassingDenial? FindAnyBefore(DispatchTicket ticket)
    {
        lock (_gate)
        {
            return FirstPromisedBefore(ticket) is { } denial
                ? new PassingDenial(denial.Result, Version, _retreats, IsOfCountsAlone: true, denial.Before) { IsOfPromise = true }
                : null;
        }
    }

    /// <summary>What the first denied that a place is promised to and that is served before a dispatch. Under the lock.</summary>
    private PassingDenial? FirstPromisedBefore(DispatchTicket ticket) =>
        _following is { } next && next.Ticket != ticket && _order.IsBefore(next.Ticket, ticket)
            ? next.Denial
            : _promised.Find(promise => promise.To != ticket && _order.IsBefore(promise.To, ticket)).Denial;

    /// <summary>Somebody is next after one that is judged; null for nobody. Under the lock.</summary>
    private void Follow(CapacityWaiter? waiter)
    {
        if (waiter != _following)
        {
            _following = waiter is { IsQueued: true } ? waiter : null;
            CountPromises();
        }
    }

    private void CountPromises() => Volatile.Write(ref counts.Promised, _promised.Count + (_following is null ? 0 : 1));

    private bool IsStillPromised(DispatchTicket ticket)
    {
        lock (_gate)
        {
            return _promised.Exists(promise => promise.To == ticket);
        }
    }

    /// <summary>Takes out one that is to be woken, with the promise of a place, unless it has gone as the clock was read. Under the lock.</summary>
    private bool Take(CapacityWaiter? waiter)
    {
        if (waiter is not { IsQueued: true })
        {
            return false;
        }

        Remove(waiter);
        Promise(waiter.Ticket, waiter.Denial);
        return true;
    }

    private void Promise(DispatchTicket ticket, PassingDenial denial)
    {
        Forget(ticket);
        if (denial.IsOfCountsAlone)
        {
            _promised.Add((ticket, denial));
            CountPromises();
        }
    }

    /// <summary>Nobody gives way to a dispatch any more. Under the lock.</summary>
    private void Forget(DispatchTicket ticket)
    {
        if (_promised.FindIndex(promise => promise.To == ticket) is var place and >= 0)
        {
            _promised.RemoveAt(place);
            CountPromises();
        }
    }
}
