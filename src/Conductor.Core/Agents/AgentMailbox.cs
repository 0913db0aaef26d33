using Conductor.Messaging;

namespace Conductor.Agents;

/// <summary>
/// Stands between the bus and one agent: takes assignments off the agent's channel, has the agent run them one at a time and publishes
/// exactly one result message for each, be it the agent's own or that of a time limit. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // The source has no timer and links to nothing: there is nothing in it to dispose.
internal sealed class AgentMailbox(BaseAgent agent, AgentHost host, IMailboxOwner owner, Lock gate) : IThreadPoolWorkItem, IMessageReceiver
#pragma warning restore CA1001
{
    private MessageSubscription? _subscription;
    private CancellationTokenSource? _cancellation;
    private TaskContext? _current;
    private long _revoked;
    private int _awaitsLeader;

    /// <summary>Whom it works for.</summary>
    public IMailboxOwner Owner => owner;

    /// <summary>What it shares with the other agents of the coordinator.</summary>
    public AgentHost Host => host;

    /// <summary>Begins to listen on the agent's channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask OpenAsync(string channel, CancellationToken cancellationToken) =>
        _subscription = await host.Bus!.SubscribeAsync(channel, this, options: null, cancellationToken).ConfigureAwait(false);

    /// <summary>Stops listening. A task that runs is not waited for.</summary>
    public async ValueTask CloseAsync()
    {
        if (_subscription is { } subscription)
        {
            _subscription = null;
            await subscription.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Puts a message that came another way (a broadcast) behind those that wait.</summary>
    public void Post(AgentMessage message) => _subscription?.Deliver(message);

    /// <summary>
    /// Ends an attempt before its agent does: asks the agent's code to stop and publishes this result in its place.
    /// </summary>
    /// <returns>False when the mailbox does not run it: it never came (and is refused should it come now), or it is over.</returns>
    public bool End(long attempt, Func<TaskContext, TaskResult> result)
    {
        TaskContext? current;
        lock (gate)
        {
            current = _current;
            if (current is null || current.Number != attempt)
            {
                _revoked = attempt;
                return false;
            }
        }

        if (current.TryClaimResult())
        {
            _ = PublishAsync(current, result(current));
        }

        return Cancel(attempt);
    }

    /// <summary>Asks the agent's code to stop; its own result is published as ever.</summary>
    /// <returns>False when the mailbox does not run it: it never came (and is refused should it come now), or it is over.</returns>
    public bool Cancel(long attempt)
    {
        lock (gate)
        {
            if (_current is null || _current.Number != attempt)
            {
                _revoked = attempt;
                return false;
            }

            // Under the gate, so that it cannot hit the next attempt; callbacks of the agent's code run on the thread pool.
            _ = _cancellation!.CancelAsync();
            return true;
        }
    }

    /// <summary>Runs the attempt that was begun and awaits this thread, if there is one. Never throws.</summary>
    public void RunLed()
    {
        if (Volatile.Read(ref _awaitsLeader) == 1 && Interlocked.Exchange(ref _awaitsLeader, 0) == 1)
        {
            Run();
        }
    }

    /// <summary>Called by the thread pool; never throws.</summary>
    void IThreadPoolWorkItem.Execute() => Run();

    private void Run() => _ = RunAsync(_current!, _cancellation!.Token);

    /// <summary>An assignment is only noted and given to the thread pool; other messages wait for the agent's own handler.</summary>
    bool IMessageReceiver.HandlesAtOnce(AgentMessage message) => message.Payload is TaskAssignment;

    /// <summary>Takes an assignment of the owner as it is.</summary>
    bool IMessageReceiver.TryTake(IMessageSource source)
    {
        if (!ReferenceEquals(source, owner))
        {
            // Of another coordinator on the same bus.
            return false;
        }

        if (TryBegin(owner.Assignment!, owner.AttemptNumber, message: null))
        {
            if (owner.IsLed)
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
            return agent.HandleMessageAsync(message, cancellationToken);
        }

        Handle(message);
        return ValueTask.CompletedTask;
    }

    void IMessageReceiver.HandleAtOnce(AgentMessage message) => Handle(message);

    private void Handle(AgentMessage message)
    {
        if (message.Payload is TaskAssignment assignment && TryBegin(assignment, EntityId.NumberOf(message.CorrelationId ?? message.Id), message))
        {
            Enqueue();
        }
    }

    /// <summary>
    /// Other messages to the agent go on beside the task, and so does whoever dispatched it. Unsafe: the sender's execution context must not leak
    /// into the agent's code.
    /// </summary>
    private void Enqueue() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);

    private bool TryBegin(TaskAssignment assignment, long number, AgentMessage? message)
    {
        lock (gate)
        {
            if (_revoked != 0 && _revoked == number)
            {
                Log.AssignmentRevoked(host.Logger, owner.Identity.Id, assignment.Task.Id);
                return false;
            }

            if (_current is not null)
            {
                Log.AssignmentRefused(host.Logger, owner.Identity.Id, assignment.Task.Id, _current.Task.Id);
                return false;
            }

            if (_cancellation?.TryReset() != true)
            {
                _cancellation?.Dispose();
                _cancellation = new CancellationTokenSource();
            }

            _current = new TaskContext(assignment, number, this, message);
            return true;
        }
    }

    private async Task RunAsync(TaskContext attempt, CancellationToken cancellationToken)
    {
        var result = await agent.ExecuteTaskAsync(attempt, cancellationToken).ConfigureAwait(false);
        if (attempt.HasScope)
        {
            await attempt.EndScopeAsync().ConfigureAwait(false);
        }

        var claimed = attempt.TryClaimResult();
        lock (gate)
        {
            _current = null;
        }

        // Before the result is published: whoever receives it finds the agent ready for the next task.
        owner.OnIdle(attempt.Number, result.CompletedAt);
        if (claimed)
        {
            await PublishAsync(attempt, result).ConfigureAwait(false);
        }
        else
        {
            Log.LateResult(host.Logger, owner.Identity.Id, result.TaskId, result.Status);
        }
    }

    private async Task PublishAsync(TaskContext attempt, TaskResult result)
    {
        try
        {
            await attempt.PublishAsync(result).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever kept the result from the bus, the coordinator must learn that the attempt is over.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ResultUndeliverable(host.Logger, exception, owner.Identity.Id, result.TaskId);
            owner.OnUndeliverable(attempt.Number, result, exception);
        }
    }
}
