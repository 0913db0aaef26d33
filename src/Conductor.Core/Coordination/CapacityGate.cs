using Conductor.Policies;

namespace Conductor.Coordination;

/// <summary>
/// Where dispatches wait that a policy denied for the time being. Whenever a running task ends, the first of them is judged again; when it
/// is denied again, the next that was denied for another reason gets its turn. Beside that each looks again at an interval, for policies
/// whose capacity nothing here can see. Thread-safe.
/// </summary>
internal sealed class CapacityGate(TimeProvider time, DispatchOptions options, WaitingLimit limit, DispatchCounts counts)
{
    private readonly Lock _gate = new();
    private readonly WaitQueue<Waiter> _waiters = new(time, options.AgeingInterval);

    /// <summary>Grows whenever capacity may have come free. Read it before the policies are asked.</summary>
    public long Version => Volatile.Read(ref counts.Releases);

    /// <summary>Waits until it is worth asking the policies again.</summary>
    /// <param name="ticket">The dispatch.</param>
    /// <param name="denial">What it was denied for.</param>
    /// <param name="seenVersion">The version read before the policies were asked.</param>
    /// <param name="patience">How long it may wait; null for as long as it takes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask WaitAsync(DispatchTicket ticket, PolicyResult denial, long seenVersion, TimeSpan? patience, CancellationToken cancellationToken)
    {
        var interval = patience is { } left && left < options.PolicyRecheckInterval ? left : options.PolicyRecheckInterval;
        var waiter = new Waiter(ticket, denial, seenVersion);
        lock (_gate)
        {
            if (counts.Releases != seenVersion || limit.IsClosed || ticket.IsToBeGivenBack)
            {
                return;
            }

            limit.Enter(ticket.MayExceedQueue);
            _waiters.Add(waiter);
            Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        }

        // A release that came after the look at the version may not have seen this waiter: then it looks again at once.
        Interlocked.MemoryBarrier();
        if (Version != seenVersion && TryLeave(waiter))
        {
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
            TryLeave(waiter);
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

            var version = counts.Releases;
            next = _waiters.TakeFirst(
                static (waiter, known) => waiter.SeenVersion < known.version && (known.except is null || !waiter.IsDeniedLike(known.except)),
                (version, except));
            Volatile.Write(ref counts.WaitingForCapacity, _waiters.Count);
        }

        if (next is not null)
        {
            limit.Leave();
            next.Wake();
        }
    }

    private sealed class Waiter(DispatchTicket ticket, PolicyResult denial, long seenVersion) : Waiter<Waiter>(ticket)
    {
        private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long SeenVersion { get; } = seenVersion;

        public Task Turn => _turn.Task;

        private string PolicyName { get; } = denial.PolicyName;

        public bool IsDeniedLike(Waiter other) => PolicyName == other.PolicyName && Ticket.Task.AgentType == other.Ticket.Task.AgentType;

        public void Wake() => _turn.TrySetResult();
    }
}
