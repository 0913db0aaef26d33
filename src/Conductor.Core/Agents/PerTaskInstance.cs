using Conductor.Messaging;
using Conductor.Threading;

namespace Conductor.Agents;

/// <summary>
/// An instance of an agent that is made anew for each task: from its start to its end, which comes with that of the task's scope. Thread-safe.
/// </summary>
internal sealed class PerTaskInstance(BaseAgent agent)
{
    private readonly Lock _gate = new();
    private bool _isStarted;
    private bool _takesMessages;
    private int _handlers;
    private TaskCompletionSource? _handled;

    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        await agent.StartAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _isStarted = true;
            _takesMessages = true;
        }
    }

    public ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => agent.RunPlainAsync(task, cancellationToken);

    /// <summary>Hands a message to the agent, which is not ended before it has dealt with it.</summary>
    /// <returns>False when it takes none: it has not started, or its task is over.</returns>
    public async ValueTask<bool> TryHandleAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_takesMessages)
            {
                return false;
            }

            _handlers++;
        }

        try
        {
            await agent.HandleMessageAsync(message, cancellationToken).ConfigureAwait(false);
            return true;
        }
        finally
        {
            lock (_gate)
            {
                if (--_handlers == 0)
                {
                    _handled?.TrySetResult();
                }
            }
        }
    }

    /// <summary>
    /// Stops and disposes the agent. What that throws is logged, and changes nothing of the task that is done. The stop hook's token ends with the
    /// grace period, and whoever waits for this waits no longer: an agent whose hook ignores that is disposed, and its scope with it, when the hook
    /// returns.
    /// </summary>
    /// <param name="task">The task that it was made for.</param>
    public async ValueTask EndAsync(TaskContext task)
    {
        if (_isStarted)
        {
            var limit = new GraceLimit(
                task.GracePeriod, task.TimeProvider, exception =>
                    Log.EndFailed(task.Logger, exception, task.AgentId, task.Task.Id), new CancellationToken(canceled: true));
            await using var watched = limit.ConfigureAwait(false);

            // A handler that hangs is left to itself, as that of any agent.
            await CloseAsync().WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await EndQuietlyAsync(static (ended, token) => ended.StopAsync(token), task, limit.Token).ConfigureAwait(false);
        }

        await EndQuietlyAsync(static (ended, _) => AgentDisposal.DisposeAsync(ended), task, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Its task is over: it takes no more messages.</summary>
    /// <returns>Over when it has dealt with those that it took.</returns>
    private Task CloseAsync()
    {
        lock (_gate)
        {
            _takesMessages = false;
            return _handlers == 0
                ? Task.CompletedTask
                : (_handled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private async ValueTask EndQuietlyAsync(Func<BaseAgent, CancellationToken, ValueTask> end, TaskContext task, CancellationToken limit)
    {
        try
        {
            await end(agent, limit).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            // It was told that it is waited for no longer, and heeded that.
        }
#pragma warning disable CA1031 // A user's hook may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.EndFailed(task.Logger, exception, task.AgentId, task.Task.Id);
        }
    }
}
