namespace Conductor.Coordination;

/// <summary>A dispatch that waits for capacity. Its places belong to the gate, under whose lock they are.</summary>
/// <param name="ticket">The dispatch.</param>
/// <param name="denial">What it was denied for.</param>
internal sealed class CapacityWaiter(DispatchTicket ticket, PassingDenial denial)
{
    private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DispatchTicket Ticket => ticket;

    public PassingDenial Denial => denial;

    /// <summary>Those that were denied like it.</summary>
    public required DenialKind Kind { get; init; }

    /// <summary>Its place among those that arrived at the same moment.</summary>
    public required long Number { get; init; }

    /// <summary>Since when it waits.</summary>
    public required long Since { get; init; }

    /// <summary>Whether it stands in the gate.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Its place among those that are judged again in turn; null where that is of no use.</summary>
    public LinkedListNode<CapacityWaiter>? Round { get; set; }

    /// <summary>Whether it looks first, for all that were denied like it: when it is allowed, the next of them is judged at once.</summary>
    public bool IsScout { get; set; }

    /// <summary>Ends when it is worth looking again.</summary>
    public Task Turn => _turn.Task;

    public void Wake() => _turn.TrySetResult();
}
