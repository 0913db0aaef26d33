using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>
/// Where dispatches wait that a policy denied for the time being. They are judged again for three reasons, and however many wait, none of these looks at
/// more than a few of them:
/// <list type="bullet">
/// <item>A running task ends, or an agent comes (<see cref="Release"/>): the first of them is judged, and when it is denied again, the first that was
/// denied for another reason.</item>
/// <item>Nothing runs, and a place that was only reserved is given back (<see cref="Retreat"/>): the first of those that were denied for such a
/// reservation. The others would be denied again. Whatever runs, the same holds for what is given back (<see cref="LeavePlace"/>) by one that was denied
/// for another reason than how many tasks run.</item>
/// <item>An interval is over (<see cref="LookAround"/>): a few, for policies whose capacity nothing here can see.</item>
/// </list>
/// Thread-safe.
/// </summary>
internal sealed partial class CapacityGate(TimeProvider time, DispatchOptions options, WaitingLimit limit, DispatchCounts counts)
{
    private readonly Lock _gate = new();
    private readonly ServingOrder _order = new(time, options.AgeingInterval);
    private readonly Dictionary<DenialKind.Name, DenialKind> _kinds = [];

    private int _count;
    private long _number;
    private long _retreats;

    /// <summary>Grows whenever capacity may have come free. Read it before the policies are asked.</summary>
    public long Version => Volatile.Read(ref counts.Releases);

    /// <summary>How often all was given back that had been reserved while nothing ran, or an agent that somebody had missed.</summary>
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

            if (denial.IsOfPromise && FirstPromisedBefore(ticket) is null)
            {
                // It is kept or given up meanwhile, and nobody would tell this one.
                return;
            }

            // The second once: what several look at side by side they would deny each other for ever.
            var hasMore = counts.Releases != denial.SeenVersion || (ticket.HasLookedAgain && IsAllFree(denial));
            if (hasMore || (!ticket.HasLookedAgain && (denial.SeenRetreats < _retreats || HasMissed(denial))))
            {
                ticket.HasTurn = true;
                ticket.HasLookedAgain |= !hasMore;
                Promise(ticket, denial);
                return;
            }

            limit.Enter(ticket.MayExceedQueue);
            var hadTurn = ticket.HasTurn;
            ticket.HasTurn = ticket.HasLookedAgain = false;
            ticket.NoteWaiting();
            waiter = Add(ticket, denial, hadTurn);
        }

        // A release that came after the look at the version may not have seen this waiter: then it looks again at once.
        Interlocked.MemoryBarrier();
        if (Version != denial.SeenVersion && TryLeave(waiter, isPromised: true))
        {
            ticket.HasTurn = true;
            return;
        }

        if (!denial.IsOfPromise)
        {
            // This turn was used in vain: somebody denied for another reason may have more luck with the same freed capacity.
            WakeNext(kind => !waiter.Kind.IsLike(kind));
        }

        try
        {
            var turn = patience is { } left
                ? waiter.Turn.WaitAsync(TimerRange.AtMost(left), time, cancellationToken)
                : waiter.Turn.WaitAsync(cancellationToken);
            await turn.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What patience there was is over: look again, a last time.
        }
        finally
        {
            ticket.HasTurn = !TryLeave(waiter, isPromised: false);
            ticket.ScoutFor = waiter.IsScout ? waiter.Kind.Key : null;
        }
    }

    /// <summary>A dispatch is over and did not begin: whoever comes next may have what it was woken for.</summary>
    public void PassOnTurn(DispatchTicket ticket)
    {
        if (ticket.HasTurn)
        {
            ticket.HasTurn = false;
            lock (_gate)
            {
                Forget(ticket);

                // It may have waited for an agent, and they for it.
                MarkThoseOf(ticket.Task.AgentType, DenialKind.NotJudged, DenialKind.NotJudged);
            }

            WakeNext(static _ => true);
        }
    }

    /// <summary>
    /// A dispatch does not begin for want of an agent: until it has one, those of other types may have what it was woken for. Those of its own
    /// would only wait beside it, there may be thousands, which were sent to and fro; unless agents of the type are idle that this one may not have.
    /// </summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="hasIdleAgents">Whether agents of its type are idle.</param>
    public void Lend(DispatchTicket ticket, bool hasIdleAgents)
    {
        if (ticket.HasTurn)
        {
            lock (_gate)
            {
                Forget(ticket);
                if (!hasIdleAgents)
                {
                    MarkThoseOf(ticket.Task.AgentType, Version, _retreats);
                }
            }

            WakeNext(static _ => true);
        }
    }

    /// <summary>Nobody waits any more: whoever does looks again, and nothing holds on to the gate.</summary>
    public void Close()
    {
        ReleaseAll();
        lock (_gate)
        {
            _timer?.Dispose();
        }
    }

    /// <summary>
    /// Gives up a place in the queue, with the promise of one among the running or without. False when it was taken: its waiter has been woken.
    /// </summary>
    private bool TryLeave(CapacityWaiter waiter, bool isPromised)
    {
        lock (_gate)
        {
            if (!waiter.IsQueued)
            {
                return false;
            }

            Remove(waiter);
            if (isPromised)
            {
                Promise(waiter.Ticket, waiter.Denial);
            }
        }

        return true;
    }

    private CapacityWaiter Add(DispatchTicket ticket, PassingDenial denial, bool hadTurn)
    {
        var key = DenialKind.Name.Of(ticket, denial);
        if (!_kinds.TryGetValue(key, out var kind))
        {
            var (version, retreats) = denial.IsOfPromise ? (DenialKind.NotJudged, DenialKind.NotJudged) : (denial.SeenVersion, _retreats);
            kind = new DenialKind(key, _order) { JudgedVersion = version, JudgedRetreats = retreats };
            _kinds.Add(key, kind);
        }

        if (hadTurn && !denial.IsOfPromise)
        {
            // It was woken for all that are denied like it, and none of them needs to be for the same.
            Mark(kind.IsLike, denial.SeenVersion, _retreats);
        }

        Forget(ticket);
        var waiter = new CapacityWaiter(ticket, denial)
        {
            Kind = kind, Number = ticket.NumberInGate ??= _number++, Since = time.GetTimestamp(), IsQueued = true,
        };
        kind.Add(waiter);
        waiter.Round = key.IsOfCountsAlone ? null : _round.AddLast(waiter);
        Volatile.Write(ref counts.WaitingForCapacity, ++_count);
        SetTimer();
        return waiter;
    }

    private void Remove(CapacityWaiter waiter)
    {
        if (!waiter.IsQueued)
        {
            return;
        }

        waiter.IsQueued = false;
        Follow(waiter == _following ? null : _following);
        limit.Leave();
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
}
