namespace Conductor.Coordination;

/// <content>
/// Agents that come free with a place, kept for whoever is promised the place: it is on its way, and one that waits for such an agent and is served
/// later would have it in its hands when it arrives. Whoever is promised it lets go of it, whatever becomes of its dispatch.
/// </content>
internal sealed partial class AgentPool
{
    /// <summary>Those that are kept, and for whom. Few: whoever it is is on its way. Null until there is one.</summary>
    private List<(AgentSlot Slot, DispatchTicket For)>? _kept;

    /// <summary>
    /// Keeps an agent that is about to come free for a dispatch of its type, unless that may not have it, or would wait for another. Under the lock of
    /// the gate, in which the dispatch waits: it has not gone yet, and lets go of the agent later.
    /// </summary>
    public void Keep(AgentSlot slot, DispatchTicket ticket)
    {
        lock (_gate)
        {
            // (Whether it would wait for another still is a look at the clock, for which there is no time: it may go as one that tests move is looked at.)
            if (slot.IsMember && !ticket.IsRefusedBy(slot) && !(ReferenceEquals(slot, ticket.Avoid) && HasOtherFit(slot)))
            {
                (_kept ??= []).Add((slot, ticket));
                ticket.Kept = slot;
            }
        }
    }

    /// <summary>A dispatch goes another way: what was kept for it is for anybody.</summary>
    public void LetGo(DispatchTicket ticket)
    {
        lock (_gate)
        {
            LetGoOfKept(ticket);
        }
    }

    /// <summary>The same, under the lock. What it has taken is kept no more.</summary>
    private void LetGoOfKept(DispatchTicket ticket)
    {
        if (ticket.Kept is not { } slot)
        {
            return;
        }

        ticket.Kept = null;
        if (KeptFor(slot) == ticket)
        {
            KeepNoMore(slot);
            if (slot.IsIdle)
            {
                RemoveIdle(slot);
                Offer(slot);
            }
        }
    }

    /// <summary>Whether an agent is kept for another dispatch that is served before this one.</summary>
    private bool IsKeptFrom(AgentSlot slot, DispatchTicket ticket) =>
        KeptFor(slot) is { } other && other != ticket && _order.IsBefore(other, ticket)

            // (That one may have let go as the clock was read.)
            && KeptFor(slot) == other;

    private DispatchTicket? KeptFor(AgentSlot slot)
    {
        if (_kept is { Count: > 0 })
        {
            foreach (var (kept, ticket) in _kept)
            {
                if (kept == slot)
                {
                    return ticket;
                }
            }
        }

        return null;
    }

    /// <summary>An agent is taken, or has gone.</summary>
    private void KeepNoMore(AgentSlot slot)
    {
        for (var place = (_kept?.Count ?? 0) - 1; place >= 0; place--)
        {
            if (_kept![place].Slot == slot)
            {
                _kept.RemoveAt(place);
            }
        }
    }
}
