using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Agents;

/// <summary>
/// Stands between the bus and one agent: takes assignments off the agent's channel, has the agent run them one at a time and publishes
/// exactly one result message for each, be it the agent's own or that of a time limit. Whoever gives the agent its tasks derives from it and is
/// told when the agent is free. Published, it is the assignment of the attempt under way. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // The source has no timer and links to nothing: there is nothing in it to dispose.
internal abstract partial class AgentMailbox(BaseAgent agent, AgentHost host) : ILaneItem, IMessageReceiver, IMessageSource
#pragma warning restore CA1001
{
    /// <summary>The message that an agent handles, in what its handler calls.</summary>
    private static readonly AsyncLocal<Handling?> _handling = new();

    private MessageSubscription? _subscription;
    private CancellationTokenSource? _cancellation;
    private TaskContext? _current;
    private long _revoked;
    private int _awaitsLeader;
    private bool _isClosed;
    private bool _hasSuspended;

    /// <summary>The agent.</summary>
    public BaseAgent Agent => agent;

    /// <summary>What it shares with the other agents of the coordinator.</summary>
    public AgentHost Host => host;

    /// <summary>Who the agent is.</summary>
    public AgentIdentity Identity { get; } = agent.Identity;

    /// <summary>The agent's id.</summary>
    public string Id => Identity.Id;

    /// <summary>Where it takes assignments.</summary>
    private string Channel => Channels.Agent(Id);

    /// <summary>The number of the attempt under way; 0 for none.</summary>
    public long AttemptNumber { get; protected set; }

    /// <summary>What the attempt under way is about.</summary>
    public TaskAssignment? Assignment { get; protected set; }

    /// <summary>
    /// What whoever dispatched the attempt under way holds the right to run it by, if anything: the store records no effect once that is lost.
    /// </summary>
    public HeldLease? Lease { get; protected set; }

    /// <summary>When the attempt under way began, by the monotonic clock.</summary>
    public long StartedAt { get; protected set; }

    /// <summary>
    /// Whether the thread that publishes the assignment calls <see cref="RunLed"/> next: it belongs to nobody who could be held up by the agent's
    /// code, so the agent needs no other.
    /// </summary>
    protected bool IsLed { get; set; }

    /// <summary>Whether its agent's next task is expected to be brief, with what whoever dispatched it does on the thread when it is over.</summary>
    public bool IsBrief => _briefness.IsBrief;

    /// <summary>Begins to listen on the agent's channel.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask OpenAsync(CancellationToken cancellationToken) =>
        _subscription = await host.Bus!.SubscribeAsync(Channel, this, options: null, cancellationToken).ConfigureAwait(false);

    /// <summary>Stops listening. A task that runs is not waited for, nor is a message that is being handled.</summary>
    public ValueTask CloseAsync()
    {
        _isClosed = true;
        return _subscription?.DisposeAsync() ?? ValueTask.CompletedTask;
    }

    /// <summary>
    /// Over when the agent handles no message any more, once this was closed. At once for whoever is called by the handler: it must not wait for
    /// itself.
    /// </summary>
    public Task WhenQuiet() => _subscription is { } subscription && !(_handling.Value is { IsOver: false } handling && handling.By == this)
        ? subscription.WhenQuiet()
        : Task.CompletedTask;

    /// <summary>Publishes the assignment of the attempt under way, on the agent's channel.</summary>
    /// <exception cref="BusException">
    /// The bus was disconnected since the agent began to listen: nobody would take it, though the bus is connected again.
    /// </exception>
    public ValueTask AssignAsync(CancellationToken cancellationToken) => _subscription switch
    {
        { IsClosed: false } subscription => host.Bus!.PublishAsync(subscription, this, cancellationToken),
        { } when !_isClosed => throw new BusException(
            ErrorCodes.BusDisconnected, $"The bus was disconnected since agent '{Id}' was registered, which ended its subscription. Make a new " +
                "coordinator, or a new host."),
        _ => host.Bus!.PublishAsync(Channel, ((IMessageSource)this).ToMessage(), cancellationToken),
    };

    /// <summary>Puts a message that came another way (a broadcast) behind those that wait.</summary>
    public void Post(AgentMessage message) => _subscription?.Deliver(message);

    /// <summary>
    /// Ends an attempt before its agent does: asks the agent's code to stop and publishes this result in its place.
    /// </summary>
    /// <returns>False when the mailbox does not run it: it never came (and is refused should it come now), or it is over.</returns>
    public bool End(long attempt, Func<TaskContext, TaskResult> result)
    {
        TaskContext? current;
        bool claimed;
        lock (this)
        {
            current = _current;
            if (current is null || current.Number != attempt)
            {
                _revoked = attempt;
                return false;
            }

            claimed = current.TryClaimResult();
        }

        // Before the code is asked to stop: when it does, its span says what became of the attempt.
        var claimedFor = claimed ? result(current) : null;
        if (claimedFor is not null)
        {
            current.NoteResult(claimedFor);
        }

        // Before the result is published: whoever gets it may go on on this thread, and hold it.
        var runs = Cancel(attempt);
        if (claimedFor is not null)
        {
            Publish(current, claimedFor);
        }

        return runs;
    }

    /// <summary>The lease that an attempt runs under, as long as it is under way.</summary>
    public HeldLease? LeaseOf(TaskContext attempt)
    {
        lock (this)
        {
            return _current == attempt ? Lease : null;
        }
    }

    /// <summary>The id of the task under way here, if it is one of a run and a token is the one that it was given.</summary>
    public string? FindTask(string workflowId, CancellationToken token)
    {
        lock (this)
        {
            return _current is { } current && current.WorkflowId == workflowId && _cancellation!.Token == token ? current.Task.Id : null;
        }
    }

    /// <summary>Asks the agent's code to stop; its own result is published as ever.</summary>
    /// <returns>False when the mailbox does not run it: it never came (and is refused should it come now), or it is over.</returns>
    public bool Cancel(long attempt)
    {
        lock (this)
        {
            if (_current is null || _current.Number != attempt)
            {
                _revoked = attempt;
                return false;
            }

            // Under the lock, so that it cannot hit the next attempt; callbacks of the agent's code run on the thread pool.
            var task = _current.Task;
            _ = _cancellation!.CancelQuietlyAsync(exception => Log.CallbackFailed(host.Logger, exception, Id, task.Id));
            return true;
        }
    }

    /// <summary>The assignment of the attempt under way, for whoever needs a message of it.</summary>
    AgentMessage IMessageSource.ToMessage()
    {
        var id = EntityId.TextOf(AttemptNumber);
        return new AgentMessage(id)
        {
            CorrelationId = id,
            Type = MessageType.TaskAssignment,
            Sender = host.CoordinatorId,
            Recipient = Id,
            Priority = Assignment!.Task.Priority,
            Timestamp = host.Environment.TimeProvider.GetUtcNow(),
            Payload = Assignment,
        };
    }

    /// <summary>Whether the agent's code has returned from the attempt under way, or has nothing to return from. Under the lock of this.</summary>
    protected abstract bool HasReturned { get; }

    /// <summary>The agent's code has returned. Under the lock of this.</summary>
    /// <param name="attempt">The number of the attempt.</param>
    /// <param name="at">When it returned.</param>
    /// <returns>Whether the agent is free for another task by that: then <see cref="OnFree"/> follows, outside the lock.</returns>
    protected abstract bool NoteReturn(long attempt, DateTimeOffset at);

    /// <summary>The agent is free for another task.</summary>
    protected abstract void OnFree();

    /// <summary>The agent's code fails at an attempt only because the coordinator, or an engine of it, stops. Its result follows.</summary>
    public abstract void NoteStopped(long attempt);

    /// <summary>Whether the result of an attempt, which could not be published, may be after a delay, and is then still waited for.</summary>
    protected abstract bool MayBePublishedAgain(long attempt, TaskResult result, Exception exception, TimeSpan delay);

    /// <summary>The result of an attempt could not be published.</summary>
    protected abstract void OnUndeliverable(long attempt, TaskResult result, Exception exception);

    /// <summary>An assignment is only noted and given to the thread pool; other messages wait for the agent's own handler.</summary>
    bool IMessageReceiver.HandlesAtOnce(AgentMessage message) => message.Payload is TaskAssignment;

    /// <summary>
    /// Takes its own assignment as it is. Those of other coordinators on the same bus are not for it, though they may be for an agent of the same
    /// id.
    /// </summary>
    bool IMessageReceiver.TryTake(IMessageSource source)
    {
        if (!ReferenceEquals(source, this))
        {
            return false;
        }

        if (TryBegin(Assignment!, AttemptNumber, StartedAt, message: null))
        {
            if (IsLed)
            {
                Volatile.Write(ref _awaitsLeader, 1);
            }
            else
            {
                Enqueue();
            }
        }

        return true;
    }

    ValueTask IMessageReceiver.HandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        if (message.Payload is not TaskAssignment)
        {
            return HandleOtherAsync(message, cancellationToken);
        }

        Handle(message);
        return ValueTask.CompletedTask;
    }

    private async ValueTask HandleOtherAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        var handling = new Handling(this);
        _handling.Value = handling;
        try
        {
            await agent.HandleMessageAsync(message, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            handling.IsOver = true;
        }
    }

    void IMessageReceiver.HandleAtOnce(AgentMessage message) => Handle(message);

    private void Handle(AgentMessage message)
    {
        if (message.Payload is not TaskAssignment assignment)
        {
            return;
        }

        if (message.Sender != host.CoordinatorId)
        {
            // It has an agent of the same id, which hears it, too.
            Log.AssignmentNotOurs(host.Logger, Id, assignment.Task.Id, message.Sender);
            return;
        }

        if (TryBegin(assignment, EntityId.NumberOf(message.CorrelationId ?? message.Id), host.Environment.TimeProvider.GetTimestamp(), message))
        {
            Enqueue();
        }
    }

    /// <summary>Other messages to the agent go on beside the task, and so does whoever dispatched it.</summary>
    private void Enqueue() => Lane.Add(this);

    private bool TryBegin(TaskAssignment assignment, long number, long startedAt, AgentMessage? message)
    {
        TaskContext? current;
        lock (this)
        {
            current = _current;
            if (current is null && number != 0 && number == AttemptNumber && number != _revoked && !HasReturned)
            {
                if (_hasSuspended || _cancellation?.TryReset() != true)
                {
                    // The one before is not disposed: what the agent's code registered on its token may still be about to be told. Nor is it used again
                    // where the code waited for something, which may go on with it: the end of another task is none of that's.
                    _cancellation = new CancellationTokenSource();
                    _hasSuspended = false;
                }

                _current = new TaskContext(assignment, number, startedAt, this, message);
                return true;
            }
        }

        // Outside the lock: a logger may take its time.
        if (current is null)
        {
            Log.AssignmentRevoked(host.Logger, Id, assignment.Task.Id);
        }
        else
        {
            Log.AssignmentRefused(host.Logger, Id, assignment.Task.Id, current.Task.Id);
        }

        return false;
    }

    /// <summary>The handling of one message. What the handler began and did not await may still know it when it is over.</summary>
    private sealed class Handling(AgentMailbox by)
    {
        public AgentMailbox By => by;

        public volatile bool IsOver;
    }
}
