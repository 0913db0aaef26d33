namespace Conductor.Coordination;

/// <content>Agents about which the policies are asked: they are in the hands of a dispatch, and come back where they are refused.</content>
internal sealed partial class AgentPool
{
    /// <summary>1 where somebody was denied all other candidates, and rests, while an agent was in the hands of another.</summary>
    private int _isAwaitedBack;

    /// <summary>Whether one that comes back is news for somebody who waits elsewhere. Told once.</summary>
    public bool IsAwaitedBack() => Volatile.Read(ref _isAwaitedBack) == 1 && Interlocked.Exchange(ref _isAwaitedBack, 0) == 1;

    /// <summary>
    /// A dispatch waits elsewhere, for what all candidates were denied for: there it is told of an agent that is fit again, or comes back from another that
    /// it was refused. Under the lock.
    /// </summary>
    private void NoteWaitsElsewhere(DispatchTicket ticket)
    {
        ScheduleRecovery(isAwaited: true);
        if (Members.Any(slot => slot is { IsIdle: false, Status: AgentStatus.Idle } && !ticket.IsRefusedBy(slot)) && ticket.NoteMissed())
        {
            Volatile.Write(ref _isAwaitedBack, 1);
        }
    }
}
