using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Messaging;

namespace Conductor.Agents;

/// <summary>
/// Stands between the bus and one agent: takes assignments off the agent's channel, has the agent run them one at a time and publishes
/// exactly one result message for each, be it the agent's own or that of a time limit. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // The source has no timer and links to nothing: there is nothing in it to dispose.
internal sealed class AgentMailbox(BaseAgent agent, AgentHost host, IMailboxOwner owner, Lock gate) : IThreadPoolWorkItem
#pragma warning restore CA1001
{
    /// <summary>An assignment is only noted and given to the thread pool; other messages wait for the agent's own handler.</summary>
    private static readonly SubscriptionOptions _options = new() { HandledAtOnce = static message => message.Payload is TaskAssignment };

    private MessageSubscription? _subscription;
    private CancellationTokenSource? _cancellation;
    private TaskContext? _current;
    private string? _revoked;

    /// <summary>True while the agent's code runs.</summary>
    public bool IsRunning => Volatile.Read(ref _current) is not null;

    private MessageBus Bus => host.Bus!;

    /// <summary>Begins to listen on the agent's channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask OpenAsync(string channel, CancellationToken cancellationToken) =>
        _subscription = await Bus.SubscribeAsync(channel, HandleAsync, _options, cancellationToken).ConfigureAwait(false);

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
    public bool End(string correlationId, Func<TaskContext, TaskResult> result)
    {
        TaskContext? attempt;
        lock (gate)
        {
            attempt = _current;
            if (attempt is null || attempt.CorrelationId != correlationId)
            {
                _revoked = correlationId;
                return false;
            }
        }

        if (attempt.TryClaimResult())
        {
            _ = PublishAsync(attempt, result(attempt));
        }

        return Cancel(correlationId);
    }

    /// <summary>Asks the agent's code to stop; its own result is published as ever.</summary>
    /// <returns>False when the mailbox does not run it: it never came (and is refused should it come now), or it is over.</returns>
    public bool Cancel(string correlationId)
    {
        lock (gate)
        {
            if (_current is null || _current.CorrelationId != correlationId)
            {
                _revoked = correlationId;
                return false;
            }

            // Under the gate, so that it cannot hit the next attempt; callbacks of the agent's code run on the thread pool.
            _ = _cancellation!.CancelAsync();
            return true;
        }
    }

    /// <summary>Runs the attempt that was begun. Called by the thread pool; never throws.</summary>
    void IThreadPoolWorkItem.Execute() => _ = RunAsync(_current!);

    private ValueTask HandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        if (message.Payload is not TaskAssignment assignment)
        {
            return agent.HandleMessageAsync(message, cancellationToken);
        }

        if (TryBegin(message, assignment))
        {
            // Other messages to the agent go on beside the task. Unsafe: the sender's execution context must not leak into the agent's code.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return ValueTask.CompletedTask;
    }

    private bool TryBegin(AgentMessage message, TaskAssignment assignment)
    {
        var correlationId = message.CorrelationId ?? message.Id;
        lock (gate)
        {
            if (_revoked is not null && _revoked == correlationId)
            {
                Log.AssignmentRevoked(host.Logger, agent.Identity.Id, assignment.Task.Id);
                return false;
            }

            if (_current is not null)
            {
                Log.AssignmentRefused(host.Logger, agent.Identity.Id, assignment.Task.Id, _current.Task.Id);
                return false;
            }

            if (_cancellation?.TryReset() != true)
            {
                _cancellation?.Dispose();
                _cancellation = new CancellationTokenSource();
            }

            _current = new TaskContext(assignment, agent.Identity, host)
            {
                Request = message,
                Cancellation = _cancellation.Token,
                HandledIn = ConductorTelemetry.IsTracing ? Activity.Current : null,
            };
            return true;
        }
    }

    private async Task RunAsync(TaskContext attempt)
    {
        var result = await agent.ExecuteTaskAsync(attempt, attempt.Cancellation).ConfigureAwait(false);
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
        owner.OnIdle(attempt.CorrelationId!, result.CompletedAt);
        if (claimed)
        {
            await PublishAsync(attempt, result).ConfigureAwait(false);
        }
        else
        {
            Log.LateResult(host.Logger, agent.Identity.Id, result.TaskId, result.Status);
        }
    }

    private async Task PublishAsync(TaskContext attempt, TaskResult result)
    {
        var request = attempt.Request!;
        try
        {
            await Bus.PublishAsync(
                host.ResultsOf(request.Sender),
                new AgentMessage
                {
                    Type = MessageType.TaskResult,
                    Sender = agent.Identity.Id,
                    Recipient = request.Sender,
                    CorrelationId = attempt.CorrelationId,
                    Priority = request.Priority,
                    Timestamp = result.CompletedAt,
                    Payload = new TaskResultPayload { Result = result },
                    Headers = attempt.HandledIn is null ? Snapshot.EmptyMap : MessageTracing.HeadersOf(attempt.HandledIn),
                }).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever kept the result from the bus, the coordinator must learn that the attempt is over.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ResultUndeliverable(host.Logger, exception, agent.Identity.Id, result.TaskId);
            owner.OnUndeliverable(attempt.CorrelationId!, result, exception);
        }
    }
}
