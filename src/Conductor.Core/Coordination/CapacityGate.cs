namespace Conductor.Coordination;

/// <summary>
/// Where dispatches wait that a policy denied for the time being. Whenever a running task ends, the first of them is judged again; when it
/// is denied again, the first that was denied for another reason gets its turn. Where nothing ran, and what was in a dispatch's way had only been reserved and is given back, one that
/// met such a reservation is judged again; one that met none would be denied again. Beside that, for policies whose capacity nothing here can see, they look again at an interval: see
/// <see cref="LookAround"/>. However many wait, none of this looks at more than a few of them. Thread-safe.
/// </summary>
internal sealed class CapacityGate(TimeProvider time, DispatchOptions options, WaitingLimit limit, DispatchCounts counts)
{
    /// <summary>How many are judged again at an interval, beside the first of each kind. As one costs some microseconds, these cost little, whatever the interval.</summary>
    private const int MostLooks = 256;

    private readonly Lock _gate = new();
    private readonly ServingOrder _order = new(time, options.AgeingInterval);
    private readonly Dictionary<DenialKind.Name, DenialKind> _kinds = [];

    /// <summary>Those whose policies may look at more than counts, the one that was judged longest ago first.</summary>
    private readonly LinkedList<CapacityWaiter> _round = [];
    private ITimer? _timer;
    private bool _isTimerSet;
    private int _count;
    private long _number;
    private long _retreats;

    /// <summary>Grows whenever capacity may have come free. Read it before the policies are asked.</summary>
    public long Version => Volatile.Read(ref counts.Releases);

    /// <summary>How often all was given back that had been reserved while nothing ran. It does not grow while anything is reserved.</summary>
    public long Retreats => Volatile.Read(ref _retreats);

    /// <summary>Waits until it is worth asking the policies again.</summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="denial">What it was denied for.</param>
    /// <param name="patience">How long it may wait; null for as long as it takes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask WaitAsync(DispatchTicket ticket, PassingDenial denial, TimeSpan? patience, CancellationToken cancellationToken)
    {
        CapacityWaiter waiter;
        lock (_gate)
        {
            if (limit.IsClosed || ticket.IsToBeGivenBack)
            {
                // What it was woken for, if it was, is passed on when its dispatch ends.
                return;
            }

            // The second once: what several look at side by side they would deny each other for ever.
            var hasMore = counts.Releases != denial.SeenVersion;
            if (hasMore || (!ticket.HasLookedAgain && denial.SeenRetreats < _retreats))
            {
                ticket.HasTurn = true;
                ticket.HasLookedAgain |= !hasMore;
                return;
            }

            limit.Enter(ticket.MayExceedQueue);
            var hadTurn = ticket.HasTurn;
            ticket.HasTurn = ticket.HasLookedAgain = false;
            ticket.HasWaitedForCapacity = true;
            waiter = Add(ticket, denial, hadTurn);
        }

        // A release that came after the look at the version may not have seen this waiter: then it looks again at once.
        Interlocked.MemoryBarrier();
        if (Version != denial.SeenVersion && TryLeave(waiter))
        {
            ticket.HasTurn = true;
            return;
        }

        // This turn was used in vain: somebody denied for another reason may have more luck with the same freed capacity.
        WakeNext(kind => !waiter.Kind.IsLike(kind));
        try
        {
            await (patience is { } left ? waiter.Turn.WaitAsync(TimerRange.AtMost(left), time, cancellationToken) : waiter.Turn.WaitAsync(cancellationToken)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What patience there was is over: look again, a last time.
        }
        finally
        {
            ticket.HasTurn = !TryLeave(waiter);
            ticket.ScoutFor = waiter.IsScout ? waiter.Kind.Key : null;
        }
    }

    /// <summary>A dispatch is over and did not begin: whoever comes next may have what it was woken for.</summary>
    public void PassOn(DispatchTicket ticket)
    {
        if (ticket.HasTurn)
        {
            ticket.HasTurn = false;
            lock (_gate)
            {
                // It may have waited for an agent, and they for it.
                MarkThoseOf(ticket.Task.AgentType, DenialKind.NotJudged, DenialKind.NotJudged);
            }

            WakeNext(static _ => true);
        }
    }

    /// <summary>
    /// A dispatch does not begin for want of an agent: until it has one, those of other types may have what it was woken for. Those of its own would only wait beside it: there may be
    /// thousands, which were sent to and fro.
    /// </summary>
    public void Lend(DispatchTicket ticket)
    {
        if (ticket.HasTurn)
        {
            lock (_gate)
            {
                MarkThoseOf(ticket.Task.AgentType, Version, _retreats);
            }

            WakeNext(static _ => true);
        }
    }

    /// <summary>A dispatch that waited is allowed: when it looked for others, too, the next of those may be.</summary>
    public void Admit(DispatchTicket ticket)
    {
        if (ticket.ScoutFor is not { } key)
        {
            return;
        }

        ticket.ScoutFor = null;
        CapacityWaiter? next;
        lock (_gate)
        {
            next = _kinds.GetValueOrDefault(key)?.First;
            SendScout(next);
        }

        Wake(next);
    }

    /// <summary>A running task ended. Nearly always nobody waits, and then it costs no lock.</summary>
    public void Release()
    {
        Interlocked.Increment(ref counts.Releases);
        if (Volatile.Read(ref counts.WaitingForCapacity) > 0)
        {
            WakeNext(static _ => true);
        }
    }

    /// <summary>All is given back that was reserved while nothing ran, and a dispatch met such a reservation: the first of those gets its turn, if it waits already.</summary>
    public void Retreat()
    {
        CapacityWaiter? first = null;
        lock (_gate)
        {
            _retreats++;
            foreach (var kind in _kinds.Values)
            {
                first = Sooner(first, kind.FirstAfterRetreat(_retreats));
            }

            Remove(first);
        }

        Wake(first);
    }

    /// <summary>The policies changed.</summary>
    public void ReleaseAll()
    {
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

        woken.ForEach(Wake);
    }

    /// <summary>The earlier of two, of whom each may be nobody.</summary>
    private CapacityWaiter? Sooner(CapacityWaiter? one, CapacityWaiter? other) => other is not null && _order.IsBefore(other, one) ? other : one;

    private void Wake(CapacityWaiter? waiter)
    {
        if (waiter is not null)
        {
            limit.Leave();
            waiter.Wake();
        }
    }

    /// <summary>Gives up a place. False when it was taken: its waiter has been woken.</summary>
    private bool TryLeave(CapacityWaiter waiter)
    {
        lock (_gate)
        {
            if (!waiter.IsQueued)
            {
                return false;
            }

            Remove(waiter);
        }

        limit.Leave();
        return true;
    }

    /// <summary>Wakes the first for whom what came free may be enough, of the kinds that meet a condition.</summary>
    private void WakeNext(Func<DenialKind, bool> condition)
    {
        CapacityWaiter? next = null;
        lock (_gate)
        {
            var version = Version;
            foreach (var kind in _kinds.Values)
            {
                next = condition(kind) ? Sooner(next, kind.FirstAfter(version, _retreats)) : next;
            }

            Remove(next);
        }

        Wake(next);
    }

    /// <summary>
    /// An interval is over. The first of each kind is judged again, and so, as long as one is allowed, is the next. As a policy may deny one and allow another of the same
    /// kind, others are judged as well, in turn: all where they are not more than <see cref="MostLooks"/>. Where it looks at counts alone, the first stands for all.
    /// </summary>
    private void LookAround()
    {
        List<CapacityWaiter> woken = [];
        lock (_gate)
        {
            foreach (var kind in _kinds.Values.ToList())
            {
                if (kind.First is { } first && IsDue(first))
                {
                    SendScout(first);
                    woken.Add(first);
                }
            }

            for (var looks = 0; looks < MostLooks && _round.First?.Value is { } longest && IsDue(longest); looks++)
            {
                Remove(longest);
                woken.Add(longest);
            }

            _isTimerSet = false;
            SetTimer();
        }

        woken.ForEach(Wake);
    }

    /// <summary>One that was judged at the last interval waits a little less than one since; one that has just been judged has time until the next.</summary>
    private bool IsDue(CapacityWaiter waiter) => time.GetElapsedTime(waiter.Since) >= options.PolicyRecheckInterval / 2;

    private void SendScout(CapacityWaiter? waiter)
    {
        if (waiter is not null)
        {
            waiter.IsScout = true;
            Remove(waiter);
        }
    }

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

    private CapacityWaiter Add(DispatchTicket ticket, PassingDenial denial, bool hadTurn)
    {
        var key = DenialKind.Name.Of(ticket, denial);
        if (!_kinds.TryGetValue(key, out var kind))
        {
            kind = new DenialKind(key, _order) { JudgedVersion = denial.SeenVersion, JudgedRetreats = _retreats };
            _kinds.Add(key, kind);
        }

        if (hadTurn)
        {
            // It was woken for all that are denied like it, and none of them needs to be for the same.
            Mark(kind.IsLike, denial.SeenVersion, _retreats);
        }

        var waiter = new CapacityWaiter(ticket, denial) { Kind = kind, Number = ticket.NumberInGate ??= _number++, Since = time.GetTimestamp(), IsQueued = true };
        kind.Add(waiter);
        waiter.Round = key.IsOfCountsAlone ? null : _round.AddLast(waiter);
        Volatile.Write(ref counts.WaitingForCapacity, ++_count);
        SetTimer();
        return waiter;
    }

    private void Remove(CapacityWaiter? waiter)
    {
        if (waiter is null)
        {
            return;
        }

        waiter.IsQueued = false;
        waiter.Kind.Remove(waiter);
        if (waiter.Round is { } place)
        {
            _round.Remove(place);
        }

        if (waiter.Kind.IsEmpty)
        {
            _kinds.Remove(waiter.Kind.Key);
        }

        Volatile.Write(ref counts.WaitingForCapacity, --_count);
    }

    private void SetTimer()
    {
        if (_count > 0 && !_isTimerSet)
        {
            _isTimerSet = true;
            _timer ??= LastingTimer.Make(time, static gate => ((CapacityGate)gate!).LookAround(), this);
            _timer.Change(options.PolicyRecheckInterval, Timeout.InfiniteTimeSpan);
        }
    }
}
