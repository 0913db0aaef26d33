namespace Conductor.Coordination;

/// <summary>
/// Where dispatches wait that a policy denied for the time being. Whenever a running task ends, the first of them is judged again; when it
/// is denied again, the next that was denied for another reason gets its turn. Beside that each looks again at an interval, for policies
/// whose capacity nothing here can see. Where nothing ran, and what was in a dispatch's way had only been reserved and is given back, one that
/// met such a reservation is judged again; one that met none would be denied again. Thread-safe.
/// </summary>
internal sealed class CapacityGate(TimeProvider time, DispatchOptions options, WaitingLimit limit, DispatchCounts counts)
{
    private readonly Lock _gate = new();
    private readonly WaitQueue<Waiter> _waiters = new(time, options.AgeingInterval);
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
        var interval = patience is { } left && left < options.PolicyRecheckInterval ? left : options.PolicyRecheckInterval;
        var waiter = new Waiter(ticket, denial);
        lock (_gate)
        {
            ticket.HasTurn = counts.Releases != denial.SeenVersion;
            if (ticket.HasTurn || limit.IsClosed || ticket.IsToBeGivenBack)
            {
                return;
            }

            // Once: what several look at side by side they would deny each other for ever.
            ticket.HasTurn = ticket.HasLookedAgain = !ticket.HasLookedAgain && denial.SeenRetreats < _retreats;
            if (ticket.HasTurn)
            {
                return;
            }

            limit.Enter(ticket.MayExceedQueue);
            _waiters.Add(waiter);
            Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        }

        // A release that came after the look at the version may not have seen this waiter: then it looks again at once.
        Interlocked.MemoryBarrier();
        if (Version != denial.SeenVersion && TryLeave(waiter))
        {
            ticket.HasTurn = true;
            return;
        }

        // This turn was used in vain: somebody denied for another reason may have more luck with the same freed capacity.
        WakeNext(waiter);
        try
        {
            await waiter.Turn.WaitAsync(interval, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The interval, or what patience there was, is over: look again, a last time if need be.
        }
        finally
        {
            ticket.HasTurn = !TryLeave(waiter);
        }
    }

    /// <summary>A dispatch does not begin for now: whoever comes next may have what it was woken for.</summary>
    public void PassOn(DispatchTicket ticket)
    {
        if (ticket.HasTurn)
        {
            ticket.HasTurn = false;
            WakeNext(except: null);
        }
    }

    /// <summary>A running task ended. Nearly always nobody waits, and then it costs no lock.</summary>
    public void Release()
    {
        Interlocked.Increment(ref counts.Releases);
        if (Volatile.Read(ref counts.WaitingForCapacity) > 0)
        {
            WakeNext(except: null);
        }
    }

    /// <summary>All is given back that was reserved while nothing ran, and a dispatch met such a reservation: the first of those gets its turn, if it waits already.</summary>
    public void Retreat()
    {
        Waiter? first;
        lock (_gate)
        {
            _retreats++;
            first = TakeFirst(static (waiter, known) => waiter.Denial.SeenRetreats < known.Retreats, except: null);
        }

        Wake(first);
    }

    /// <summary>The policies changed.</summary>
    public void ReleaseAll()
    {
        List<Waiter> all;
        lock (_gate)
        {
            Interlocked.Increment(ref counts.Releases);
            all = _waiters.TakeAll();
            Volatile.Write(ref counts.WaitingForCapacity, 0);
        }

        Wake(all);
    }

    private void Wake(List<Waiter> waiters)
    {
        foreach (var waiter in waiters)
        {
            Wake(waiter);
        }
    }

    private void Wake(Waiter? waiter)
    {
        if (waiter is not null)
        {
            limit.Leave();
            waiter.Wake();
        }
    }

    /// <summary>Has those that meet a condition look again at once.</summary>
    public void Wake(Func<DispatchTicket, bool> condition)
    {
        List<Waiter> woken = [];
        lock (_gate)
        {
            while (_waiters.TakeFirst(static (waiter, meets) => meets(waiter.Ticket), condition) is { } waiter)
            {
                woken.Add(waiter);
            }

            Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        }

        Wake(woken);
    }

    /// <summary>Gives up a place. False when it was taken: its waiter has been woken.</summary>
    private bool TryLeave(Waiter waiter)
    {
        lock (_gate)
        {
            if (!_waiters.Remove(waiter))
            {
                return false;
            }

            Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        }

        limit.Leave();
        return true;
    }

    private void WakeNext(Waiter? except)
    {
        Waiter? next;
        lock (_gate)
        {
            if (_waiters.Count == 0)
            {
                return;
            }

            next = TakeFirst(
                static (waiter, known) => (waiter.Denial.SeenVersion < known.Version || waiter.Denial.SeenRetreats < known.Retreats) && (known.Except is null || !waiter.IsDeniedLike(known.Except)),
                except);
        }

        Wake(next);
    }

    /// <summary>Takes out the first that meets a condition. Under the lock.</summary>
    private Waiter? TakeFirst(Func<Waiter, (long Version, long Retreats, Waiter? Except), bool> condition, Waiter? except)
    {
        var first = _waiters.TakeFirst(condition, (counts.Releases, _retreats, except));
        Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        return first;
    }

    private sealed class Waiter(DispatchTicket ticket, PassingDenial denial) : Waiter<Waiter>(ticket)
    {
        private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PassingDenial Denial => denial;

        public Task Turn => _turn.Task;

        public bool IsDeniedLike(Waiter other) => Denial.Result.PolicyName == other.Denial.Result.PolicyName && Ticket.Task.AgentType == other.Ticket.Task.AgentType;

        public void Wake() => _turn.TrySetResult();
    }
}
