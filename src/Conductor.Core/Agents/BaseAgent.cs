using System.Diagnostics;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Tags = Conductor.Diagnostics.ConductorTelemetry.Tags;

namespace Conductor.Agents;

/// <summary>
/// What an agent is made of: derive from it (or from <see cref="BaseAgent{TInput, TOutput}"/>), do the work in <c>RunAsync</c> and never
/// see a channel. An agent runs one task at a time; <see cref="OnMessageAsync"/> may be called beside a running task.
/// </summary>
public abstract class BaseAgent
{
    private AgentIdentity? _identity;
    private AgentSpan? _span;
    private int _attached;

    /// <summary>Makes an agent whose identity is given when it is registered.</summary>
    protected BaseAgent()
    {
    }

    /// <summary>Makes an agent that knows its identity.</summary>
    /// <param name="identity">
    /// Its identity. Where it is registered, or added to a container, under a type and an id, those count, and whatever else it says stands.
    /// </param>
    protected BaseAgent(AgentIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        _identity = identity;
    }

    /// <summary>Who it is.</summary>
    /// <exception cref="InvalidOperationException">It has no identity yet.</exception>
    public AgentIdentity Identity => _identity ?? throw new InvalidOperationException(
        $"{GetType().Name} has no identity yet: register it with a type, or hand an AgentIdentity to the constructor of BaseAgent.");

    /// <summary>True when it knows its identity.</summary>
    public bool HasIdentity => _identity is not null;

    /// <summary>
    /// Runs one task: measures, traces, and turns whatever comes of it into a result. Never throws for what the agent's code does. The mailbox does
    /// the same for a task of its own; this is for tests of one agent.
    /// </summary>
    /// <param name="task">The task and everything around it.</param>
    /// <param name="cancellationToken">Asks the agent's code to stop.</param>
    /// <returns>The result of this attempt.</returns>
    public async ValueTask<TaskResult> ExecuteTaskAsync(TaskContext task, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        task.RunBy(_identity);
        var run = BeginTask(task, out var span, cancellationToken);
        return run.IsCompleted
            ? EndTask(task, span, run, cancellationToken)
            : await EndSuspendedAsync(task, span, run.AsTask(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The dependency-injection scope it was made in: it ends with the agent.</summary>
    internal IAsyncDisposable? Scope { get; set; }

    /// <summary>Begins a task: its span, and the agent's code up to its first wait. Throws only what a listener of traces does.</summary>
    /// <param name="task">The task.</param>
    /// <param name="span">Its span, if anybody traces: the current one from here on, until <see cref="EndTask"/>.</param>
    /// <param name="cancellationToken">Asks the agent's code to stop.</param>
    /// <returns>What the agent gives out. Once it is over it goes to <see cref="EndTask"/>.</returns>
    internal ValueTask<TaskData> BeginTask(TaskContext task, out Activity? span, CancellationToken cancellationToken)
    {
        span = StartActivity(task);
        try
        {
            var run = RunAsync(task, cancellationToken);

            // Asked here first: what the agent's code returned may throw when it is asked, and that is the agent's failure, too.
            _ = run.IsCompleted;
            return run;
        }
#pragma warning disable CA1031 // The agent's code may throw anything, before its first wait as after it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return ValueTask.FromException<TaskData>(exception);
        }
    }

    /// <summary>Makes the result of a task that is over, whatever became of it. Throws only what a listener of traces or metrics, or a logger does.</summary>
    internal static TaskResult EndTask(TaskContext task, Activity? span, ValueTask<TaskData> run, CancellationToken cancellationToken)
    {
        using var ending = new GuardedSpan(span, task.Environment);
        TaskResult result;
        try
        {
#pragma warning disable VSTHRD002 // It is over: nothing is waited for.
            result = task.ToResult(run.GetAwaiter().GetResult() ?? TaskData.Empty);
#pragma warning restore VSTHRD002
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            result = task.ToResult(
                AgentTaskStatus.Cancelled, new TaskError { Code = ErrorCodes.Cancelled, Message = $"Task '{task.Task.Id}' was cancelled." });
        }
#pragma warning disable CA1031 // The agent's code may throw anything; it becomes a record that travels.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.AgentFailed(task.Logger, exception, task.AgentId, task.Task.Id);
            task.NoteIfStopped(exception);
            result = task.ToResult(AgentTaskStatus.Failed, task.Environment.Classify(exception, task.Task, task.WorkflowId));
        }

        // Where a time limit has passed, or nobody waits any more, what was said of that is what became of the attempt.
        Finish(span, task, task.Result ?? result, result.Output);
        return result;
    }

    internal void Attach(AgentIdentity identity)
    {
        if (Interlocked.Exchange(ref _attached, 1) != 0)
        {
            throw new InvalidOperationException(
                $"This {GetType().Name} is registered already (as '{_identity?.Id}'): one instance runs one task at a " +
                    "time. Register another instance, and have a factory make a new one each time it is called.");
        }

        _identity = identity;
        _span = null;
    }

    /// <summary>Who it is where it is known by the id and the type of another identity: whatever else it says of itself stands.</summary>
    internal AgentIdentity IdentityUnder(AgentIdentity known) => _identity is null ? known : _identity with { Id = known.Id, Type = known.Type };

    /// <summary>Learns who it is from what it stands in for. Not beside a task of its own.</summary>
    internal void Learn(AgentIdentity identity)
    {
        if (_identity != identity)
        {
            _identity = identity;
            _span = null;
        }
    }

    internal void Detach() => Volatile.Write(ref _attached, 0);

    /// <summary>Runs the work alone, for a stand-in that measures and traces itself.</summary>
    internal ValueTask<TaskData> RunPlainAsync(TaskContext task, CancellationToken cancellationToken) => RunAsync(task, cancellationToken);

    internal ValueTask StartAsync(CancellationToken cancellationToken) => OnStartAsync(cancellationToken);

    internal ValueTask StopAsync(CancellationToken cancellationToken) => OnStopAsync(cancellationToken);

    internal ValueTask HandleMessageAsync(AgentMessage message, CancellationToken cancellationToken) => OnMessageAsync(message, cancellationToken);

    /// <summary>Does the work.</summary>
    /// <param name="task">The task and everything around it.</param>
    /// <param name="cancellationToken">
    /// Cancelled at the task's time limit, by its caller, or when the host stops and can wait no longer. It is the task's alone: what goes on after the task
    /// needs a token of its own.
    /// </param>
    /// <returns>What the task gives out.</returns>
    protected abstract ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken);

    /// <summary>Prepares the agent, before it is given any task. When it throws, the agent is not registered. Default: nothing.</summary>
    /// <param name="cancellationToken">
    /// Cancelled when whoever registers the agent gives up, or the coordinator stops. A grace period after that
    /// (<see cref="Coordination.DispatchOptions.CancellationGracePeriod"/>) it is not waited for, and the agent is stopped when it has ended.
    /// </param>
    protected virtual ValueTask OnStartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Cleans up, after its last task. What it throws is logged and stops nothing. Default: nothing.</summary>
    /// <param name="cancellationToken">
    /// Cancelled a grace period after the stop, or whoever unregisters it, can wait no longer
    /// (<see cref="Coordination.DispatchOptions.CancellationGracePeriod"/>), and that long after the end of its task where the agent is made anew
    /// for each; after that it is not waited for, and an agent that is disposed here is so when the hook has ended.
    /// </param>
    protected virtual ValueTask OnStopAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>
    /// Takes a message that is no task: to this agent, or to all. An agent that is made anew for each task takes those that come while it runs one.
    /// Default: nothing.
    /// </summary>
    /// <remarks>
    /// Messages are handled one after another, beside the agent's task. The stop hook waits for one that is being handled, for the grace period
    /// (<see cref="Coordination.DispatchOptions.CancellationGracePeriod"/>) at most; those that wait behind it are dropped.
    /// </remarks>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Cancelled when the bus is disconnected.</param>
    protected virtual ValueTask OnMessageAsync(AgentMessage message, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private static async Task<TaskResult> EndSuspendedAsync(TaskContext task, Activity? span, Task<TaskData> run, CancellationToken cancellationToken)
    {
        await ((Task)run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return EndTask(task, span, new ValueTask<TaskData>(run), cancellationToken);
    }

    private static void Finish(Activity? activity, TaskContext task, TaskResult result, TaskData output)
    {
        var instruments = task.Environment.Instruments;
        if (instruments.InvokeAgentDuration.Enabled)
        {
            var agentType = new KeyValuePair<string, object?>(Tags.AgentType, task.Task.AgentType.Name);
            if (result.Status == AgentTaskStatus.Failed)
            {
                instruments.InvokeAgentDuration.Record(result.Duration.TotalSeconds, agentType, new(Tags.ErrorType, result.Error?.Code));
            }
            else
            {
                instruments.InvokeAgentDuration.Record(result.Duration.TotalSeconds, agentType);
            }
        }

        if (activity is null)
        {
            return;
        }

        if (result.Status == AgentTaskStatus.Failed)
        {
            activity.Fail(result.Error!.Code, result.Error.Message);
        }

        if (task.Environment.RecordSensitiveData)
        {
            activity.Describe(Tags.Input, task.Input.ToDisplayText());
            activity.Describe(Tags.Output, output.ToDisplayText());
        }
    }

    private Activity? StartActivity(TaskContext task) => ConductorTelemetry.IsTracing
        ? GuardedSpan.Start(
            task.Environment, (Span: _span ??= new AgentSpan(_identity, GetType().Name), task), static begun => begun.Span.Start(begun.task)).Activity
        : null;
}
