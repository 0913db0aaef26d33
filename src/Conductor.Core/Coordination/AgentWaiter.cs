namespace Conductor.Coordination;

/// <summary>A dispatch that waits for an agent.</summary>
internal sealed class AgentWaiter(DispatchTicket ticket)
{
    private readonly TaskCompletionSource<AgentSlot> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DispatchTicket Ticket { get; } = ticket;

    public Task<AgentSlot> Slot => _source.Task;

    public void Serve(AgentSlot slot) => _source.SetResult(slot);

    public void Fail(Exception exception) => _source.TrySetException(exception);
}
