namespace Conductor.Coordination;

/// <content>Those that wait: telling them when nothing can come any more, and looking again when it may. Under the pool's lock.</content>
internal sealed partial class AgentPool
{
    /// <summary>Tells those who wait, and meet a condition, that they wait in vain.</summary>
    public void FailWaiting(Func<DispatchTicket, bool> condition, Func<DispatchTicket, Exception> error)
    {
        lock (_gate)
        {
            while (_waiters.TakeFirst(static (waiter, meets) => meets(waiter.Ticket), condition) is { } waiter)
            {
                FailWaiters([waiter], error);
            }

            if (_waiters.Count == 0 && (_limit.IsClosed || _limit.Count == 0))
            {
                _recovery?.Dispose();
                _recovery = null;
            }
        }
    }

    /// <summary>Who is given an agent when it comes back now; null for nobody.</summary>
    public AgentWaiter? FindFirstFor(AgentSlot slot)
    {
        lock (_gate)
        {
            return _waiters.Count == 0 ? null : _waiters.FindFirst(_mayHave, slot);
        }
    }

    /// <summary>Notes that one that waits has a turn at a place that comes free, or has it no more, as long as it waits here.</summary>
    /// <returns>False where it waits no more: it has an agent, or has given up.</returns>
    public bool TrySetTurn(AgentWaiter waiter, bool hasTurn)
    {
        lock (_gate)
        {
            if (waiter.IsQueued)
            {
                waiter.Ticket.HasTurn = hasTurn;
            }

            return waiter.IsQueued;
        }
    }

    /// <summary>The policies changed: those that wait for another agent than a refused one may have that one, too.</summary>
    public void ForgetOldRefusals()
    {
        lock (_gate)
        {
            if (_waiters.Count == 0)
            {
                return;
            }

            foreach (var waiter in _waiters.TakeAll())
            {
                waiter.Ticket.ForgetOldRefusals(_policies.Changes);
                _waiters.Add(waiter);
            }

            foreach (var slot in Members.Where(static slot => slot.IsIdle).ToList())
            {
                RemoveIdle(slot);
                Offer(slot);
            }
        }
    }

    /// <summary>One that takes the place of another counts; one that takes the place of this one is no other: it shares its breaker.</summary>
    private bool HasOtherFit(AgentSlot slot)
    {
        var isCounted = slot.IsMember ? !_brokenOff.Contains(slot) && _setAside?.Contains(slot) != true : _replaced?.Contains(slot) == true;
        return _agentCount - _brokenOff.Count - SetAsideCount - (isCounted ? 1 : 0) > 0;
    }

    private int SetAsideCount => _setAside?.Count ?? 0;

    /// <summary>
    /// Whether every agent is set aside or stands apart: nobody knows whether one comes back. What has not run yet waits for that as for any busy
    /// agent; what ran, and failed, has its answer.
    /// </summary>
    private bool IsNoneLeftToRetry => SetAsideCount > 0 && _brokenOff.Count + SetAsideCount == _agentCount;

    /// <summary>Whether a dispatch that failed at an agent waits for another, which is there and busy.</summary>
    private bool IsAvoided(AgentSlot slot, DispatchTicket ticket) => ReferenceEquals(slot, ticket.Avoid) && ticket.IsAvoiding(_time) && HasOtherFit(slot);

    private void ThrowIfHopeless(DispatchTicket ticket)
    {
        if (IsEmpty && !_waitForUnknown)
        {
            throw NoneRegistered();
        }

        if (IsAllBrokenOff)
        {
            throw new CircuitOpenException(Type, _brokenOff.Min(static slot => slot.TimeUntilRecovery));
        }

        if (ticket.HasRun && IsNoneLeftToRetry)
        {
            throw NoneLeftToRetry();
        }

        if (ticket.Passing is null && IsRefusedByAll(ticket))
        {
            throw NoneAllowed(ticket);
        }
    }

    private bool IsRefusedByAll(DispatchTicket ticket)
    {
        if (ticket.RefusalCount == 0 || MemberCount != _agentCount)
        {
            // One that takes the place of another has not been asked about.
            return false;
        }

        foreach (var slot in Members)
        {
            if (!_brokenOff.Contains(slot) && !ticket.IsRefusedBy(slot))
            {
                return false;
            }
        }

        return !IsEmpty;
    }

    /// <summary>What is said when no candidate is left: that one is broken off which might have been allowed, or else the last refusal.</summary>
    private ConductorException NoneAllowed(DispatchTicket ticket)
    {
        var candidates = _brokenOff.Where(slot => !ticket.IsRefusedBy(slot)).ToList();
        return candidates.Count > 0
            ? new CircuitOpenException(Type, candidates.Min(static slot => slot.TimeUntilRecovery))
            : ticket.LastRefusal!;
    }

    private NoAvailableAgentException NoneRegistered() => new(Type, $"No agent of type '{Type}' is registered any more.");

    private NoAvailableAgentException NoneLeftToRetry() => new(
        Type,
        $"No agent of type '{Type}' is left for another attempt: {SetAsideCount} ignore(s) the cancelled token of an earlier task and may never " +
            $"return, {_brokenOff.Count} is/are broken off. " +
        "Let the agents heed their tokens, or register them by a factory, so that others take their place.");

    /// <summary>Those that wait for what cannot come any more are told at once.</summary>
    private void FailHopelessWaiters()
    {
        if (_waiters.Count == 0)
        {
            return;
        }

        if (IsEmpty && !_waitForUnknown)
        {
            FailWaiters(_waiters.TakeAll(), _ => NoneRegistered());
        }
        else if (IsAllBrokenOff)
        {
            var retryAfter = _brokenOff.Min(static slot => slot.TimeUntilRecovery);
            FailWaiters(_waiters.TakeAll(), _ => new CircuitOpenException(Type, retryAfter));
        }

        while (IsNoneLeftToRetry && _waiters.TakeFirst(static (waiter, _) => waiter.Ticket.HasRun, this) is { } retry)
        {
            FailWaiters([retry], _ => NoneLeftToRetry());
        }

        while (_waiters.TakeFirst(static (waiter, pool) => pool.IsRefusedByAll(waiter.Ticket), this) is { } waiter)
        {
            FailWaiters([waiter], NoneAllowed);
        }
    }

    /// <summary>No agent is left that their own run keeps busy: from now on they wait no longer than others.</summary>
    private void HaveRunsLookAgain()
    {
        while (_waiters.TakeFirst(static (waiter, _) => waiter.Ticket.IsFlowControlled, this) is { } waiter)
        {
            FailWaiters([waiter], static _ => new TimeoutException());
        }
    }

    private void FailWaiters(List<AgentWaiter> waiters, Func<DispatchTicket, Exception> error)
    {
        foreach (var waiter in waiters)
        {
            _limit.Leave();
            waiter.Fail(error(waiter.Ticket));
        }
    }

    /// <summary>
    /// An agent idles without a task having ended just now: one whose other candidates were all denied for the time being may have it. Outside the lock:
    /// who waits for that, waits in the gate.
    /// </summary>
    private void TellOfCome(bool hasCome)
    {
        if (hasCome)
        {
            Coordinator.OnAgentIdle();
        }
    }
}
