namespace Conductor.Coordination;

/// <summary>A dispatch that waits for an agent; its task gives the agent.</summary>
internal sealed class AgentWaiter(DispatchTicket ticket) : TaskCompletionSource<AgentSlot>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public DispatchTicket Ticket { get; } = ticket;
}
