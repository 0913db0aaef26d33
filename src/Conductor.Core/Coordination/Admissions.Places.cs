namespace Conductor.Coordination;

/// <content>Places among the running: who has them next, and what becomes of those that are not used.</content>
internal sealed partial class Admissions
{
    /// <summary>A task that was admitted is over, and its place is free. <see cref="WakeNext"/> follows, when its agent is free, too.</summary>
    /// <returns>Whom the place is promised to: before it is free, so that nobody can be before whoever is woken.</returns>
    public PromisedPlace Free(AgentSlot slot)
    {
        var promised = Volatile.Read(ref Counts.WaitingForCapacity) == 0 ? default : Promise(slot);
        Interlocked.Decrement(ref slot.Pool.Running);
        Interlocked.Decrement(ref Counts.Running);
        return promised;
    }

    /// <summary>Whoever waits for a place that came free is judged again, or has its agent by now.</summary>
    public void WakeNext(PromisedPlace promised)
    {
        if (promised.InPool is not { } waiter)
        {
            _capacity.Release(promised.InGate);
        }
        else
        {
            // Its agent may have gone another way: then it waits for another, and the place is for others.
            _capacity.ReleaseTo(waiter.Ticket, isWithdrawn: waiter.Pool.TrySetTurn(waiter, hasTurn: false));
        }
    }

    /// <summary>An agent idles that did not come free with a place: for whoever was denied all others it is as good as capacity.</summary>
    public void OnAgentIdle() => _capacity.Release(promised: null);

    /// <summary>No agent of a type is left: those of it that wait for capacity look again, and hear that.</summary>
    public void OnLastAgentGone(AgentType type) => _capacity.ReleaseThoseOf(type);

    /// <summary>A dispatch that may begin does not: its place is free, like that of one that is over.</summary>
    public void ReleasePlace(DispatchTicket ticket, AgentSlot slot)
    {
        var promised = Free(slot);
        Return(ticket, slot);
        WakeNext(promised);
    }

    /// <summary>
    /// Takes back the place and the agent of a dispatch that was denied, and goes on or waits. A place that was only reserved may have made another
    /// dispatch be denied: when nothing runs that would wake that one later, it is woken here. One that saw nothing before it is not, or the waiting would
    /// never rest.
    /// </summary>
    private void UndoReservation(DispatchTicket ticket, AgentSlot slot)
    {
        var isIdle = Return(ticket, slot);
        if (ticket.AdmittedBefore > 0)
        {
            Volatile.Write(ref Counts.Contended, 1);
        }

        Interlocked.Decrement(ref slot.Pool.Running);
        if (Interlocked.Decrement(ref Counts.Running) == 0 && Interlocked.Exchange(ref Counts.Contended, 0) == 1)
        {
            _capacity.Retreat();
        }

        TellOfReturn(slot, isIdle);
    }

    /// <summary>An agent comes back from one that does not begin with it, while no task ends: somebody may have been denied all others meanwhile.</summary>
    private void TellOfReturn(AgentSlot slot, bool isIdle)
    {
        if (isIdle && slot.Pool.IsAwaitedBack())
        {
            // No more than that: as good as capacity, it would have all look again that are about to wait, each the reason of the next.
            _capacity.Retreat();
        }
    }

    /// <summary>
    /// Promises a place to who is served first: of those that wait for one, or of those that wait for the agent that comes free with it. Those would have to
    /// give way, or race, for a place that they come before.
    /// </summary>
    private PromisedPlace Promise(AgentSlot slot)
    {
        if (slot.Pool.FindFirstFor(slot) is { } first && _capacity.TryPromise(first.Ticket))
        {
            if (slot.Pool.TrySetTurn(first, hasTurn: true))
            {
                return new PromisedPlace(InGate: null, first);
            }

            // It has an agent already, or has gone.
            _capacity.Withdraw(first.Ticket);
        }

        return new PromisedPlace(_capacity.PromiseNext(slot));
    }

    /// <summary>A dispatch that was promised a place does not come for the agent that is kept for it.</summary>
    private static void LetGo(DispatchTicket ticket) => ticket.Kept?.Pool.LetGo(ticket);

    /// <summary>A dispatch does without the agent that it took.</summary>
    /// <returns>Whether the agent idles.</returns>
    private static bool Return(DispatchTicket ticket, AgentSlot slot)
    {
        // Whoever leads runs the agent that the dispatch was given, and no other: for the next one there is nobody.
        ticket.LeadingThread = 0;
        return Return(slot);
    }

    /// <returns>Whether the agent idles.</returns>
    private static bool Return(AgentSlot slot)
    {
        slot.Permit?.Dispose();
        slot.Permit = null;
        return slot.Pool.Return(slot);
    }
}
