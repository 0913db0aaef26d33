using Conductor.Policies;

namespace Conductor.Coordination;

/// <content>
/// Places that came free are promised: whoever is woken for one is not there yet, and a dispatch that is made at that moment would be before it,
/// again and again. So it gives way, unless it is served before the one that has the promise, and waits until that one is admitted or denied, or
/// finds no agent. That holds for what policies limit by counts alone: what others look at may differ from task to task.
/// </content>
internal sealed partial class CapacityGate
{
    /// <summary>Those that have been woken for a place, and have neither taken it nor given it up. Few: they are on their way.</summary>
    private readonly List<(DispatchTicket To, PolicyResult Denial)> _promised = [];

    /// <summary>How many wait that gave way.</summary>
    private int _givingWay;

    /// <summary>Whether more may have come free than what is promised: then one of those that gave way is judged again.</summary>
    private bool _mayHaveRoom;

    /// <summary>
    /// A place is about to come free: promises it to whoever is woken for it. <see cref="Release"/> follows. Nearly always nobody waits, and then
    /// it costs no lock.
    /// </summary>
    /// <returns>Who; null for nobody.</returns>
    public CapacityWaiter? PromiseNext()
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
                return null;
            }

            Take(next);
            return next;
        }
    }

    /// <summary>What a dispatch waits for because a place is promised to one that is served before it; null for nothing, nearly always.</summary>
    public PassingDenial? FindPromiseBefore(DispatchTicket ticket) => Volatile.Read(ref counts.Promised) == 0 ? null : FindAnyBefore(ticket);

    /// <summary>A dispatch has a place, or goes without: what was promised to it, if something was, is no longer.</summary>
    public void Redeem(DispatchTicket ticket)
    {
        if (ticket.HasTurn)
        {
            lock (_gate)
            {
                Forget(ticket);
            }
        }
    }

    /// <summary>
    /// A dispatch that waited is allowed: when it looked for others, too, the next of those may be; and so may, where there is more room, one that
    /// gave way.
    /// </summary>
    public void Admit(DispatchTicket ticket)
    {
        if (!ticket.HasTurn)
        {
            return;
        }

        CapacityWaiter? next = null;
        bool gaveWay;
        lock (_gate)
        {
            Forget(ticket);
            gaveWay = _givingWay > 0 && _mayHaveRoom;
            if (ticket.ScoutFor is { } key)
            {
                ticket.ScoutFor = null;
                next = _kinds.GetValueOrDefault(key)?.First;
                SendScout(next);
            }
        }

        Wake(next);
        if (gaveWay)
        {
            Retreat();
        }
    }

    /// <summary>(Apart, since a lambda is made where a method begins, and every dispatch comes by.)</summary>
    private PassingDenial? FindAnyBefore(DispatchTicket ticket)
    {
        lock (_gate)
        {
            return FirstPromisedBefore(ticket) is { } denial
                ? new PassingDenial(denial, Version, _retreats, IsOfCountsAlone: true) { IsOfPromise = true }
                : null;
        }
    }

    /// <summary>What the first denied that a place is promised to and that is served before a dispatch. Under the lock.</summary>
    private PolicyResult? FirstPromisedBefore(DispatchTicket ticket) =>
        _promised.Find(promise => promise.To != ticket && _order.IsBefore(promise.To, ticket)).Denial;

    private bool IsStillPromised(DispatchTicket ticket)
    {
        lock (_gate)
        {
            return _promised.Exists(promise => promise.To == ticket);
        }
    }

    private void NoteRoom()
    {
        lock (_gate)
        {
            _mayHaveRoom = true;
        }
    }

    /// <summary>Takes out one that is to be woken, with the promise of a place. Under the lock.</summary>
    private void Take(CapacityWaiter? waiter)
    {
        Remove(waiter);
        if (waiter is not null)
        {
            Promise(waiter.Ticket, waiter.Denial);
        }
    }

    private void Promise(DispatchTicket ticket, PassingDenial denial)
    {
        Forget(ticket);
        if (denial.IsOfCountsAlone)
        {
            _promised.Add((ticket, denial.Result));
            Volatile.Write(ref counts.Promised, _promised.Count);
        }
    }

    /// <summary>Nobody gives way to a dispatch any more. Under the lock.</summary>
    private void Forget(DispatchTicket ticket)
    {
        if (_promised.FindIndex(promise => promise.To == ticket) is var place and >= 0)
        {
            _promised.RemoveAt(place);
            Volatile.Write(ref counts.Promised, _promised.Count);
        }
    }
}
