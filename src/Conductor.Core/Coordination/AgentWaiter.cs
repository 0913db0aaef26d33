using System.Threading.Tasks.Sources;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <summary>
/// A dispatch that waits for an agent: its place in the queue, what it awaits (once), and the work item that brings it on. Whoever gives it an
/// agent goes on with its own.
/// </summary>
internal sealed class AgentWaiter(AgentPool pool, DispatchTicket ticket) : IValueTaskSource<AgentSlot>, ILaneItem
{
    private ManualResetValueTaskSourceCore<AgentSlot> _core;
    private AgentSlot? _slot;
    private Exception? _error;
    private bool _hasRun;

    public DispatchTicket Ticket { get; } = ticket;

    public AgentPool Pool => pool;

    /// <summary>Whether it stands in a queue. This and its neighbours belong to the queue.</summary>
    public bool IsQueued { get; set; }

    public AgentWaiter? Previous { get; set; }

    public AgentWaiter? Next { get; set; }

    /// <summary>The agent, once it is given.</summary>
    public ValueTask<AgentSlot> Agent => new(this, _core.Version);

    /// <summary>It holds the thread for as long as the agent does.</summary>
    bool ILaneItem.IsBrief => _slot is { IsBrief: true };

    /// <summary>Gives it an agent.</summary>
    public void Give(AgentSlot slot)
    {
        _slot = slot;
        Lane.Add(this);
    }

    /// <summary>Gives up the place for this reason, unless an agent was given already.</summary>
    public void Leave(Exception reason)
    {
        if (pool.Leave(this))
        {
            Fail(reason);
        }
    }

    /// <summary>Tells it that none will come.</summary>
    public void Fail(Exception error)
    {
        _error = error;
        Lane.Add(this);
    }

    /// <summary>
    /// Goes on with the dispatch, and runs the attempt that it begins on the same thread: this one belongs to nobody who could be held up by the
    /// agent's code.
    /// </summary>
    void ILaneItem.Run()
    {
        if (_slot is not { } slot)
        {
            _core.SetException(_error!);
            return;
        }

        Ticket.LeadingThread = Environment.CurrentManagedThreadId;
        _core.SetResult(slot);
        Ticket.LeadingThread = 0;
        _hasRun = slot.RunLed();
    }

    void ILaneItem.Held(TimeSpan time)
    {
        if (_hasRun)
        {
            _slot!.Held(time);
        }
    }

    AgentSlot IValueTaskSource<AgentSlot>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<AgentSlot>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<AgentSlot>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
