namespace Conductor.Coordination;

/// <summary>Somebody who waits in a <see cref="WaitQueue{T}"/>, and is its own place there.</summary>
/// <param name="ticket">The dispatch that waits.</param>
internal abstract class Waiter<TSelf>(DispatchTicket ticket)
    where TSelf : Waiter<TSelf>
{
    public DispatchTicket Ticket { get; } = ticket;

    /// <summary>Whether it stands in a queue. This and its neighbours belong to the queue.</summary>
    public bool IsQueued { get; set; }

    public TSelf? Previous { get; set; }

    public TSelf? Next { get; set; }
}
