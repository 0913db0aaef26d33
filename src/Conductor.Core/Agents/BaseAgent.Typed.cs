namespace Conductor.Agents;

/// <summary>An agent with typed input and output.</summary>
/// <typeparam name="TInput">
/// What it takes in; a task with something else fails with TASK_VALIDATION_FAILED naming both types. So does one without input, except that it
/// gives null for a <see cref="Nullable{T}"/>; where a class may be missing, derive from <see cref="BaseAgent"/> and look at <see cref="TaskContext.Input"/>.
/// </typeparam>
/// <typeparam name="TOutput">What it gives out.</typeparam>
public abstract class BaseAgent<TInput, TOutput> : BaseAgent
{
    /// <summary>Makes an agent whose identity is given when it is registered.</summary>
    protected BaseAgent()
    {
    }

    /// <summary>Makes an agent that knows its identity.</summary>
    /// <param name="identity">Its identity.</param>
    protected BaseAgent(AgentIdentity identity)
        : base(identity)
    {
    }

    /// <summary>Does the work.</summary>
    /// <param name="input">The task's input.</param>
    /// <param name="task">The task and everything around it.</param>
    /// <param name="cancellationToken">
    /// Cancelled at the task's time limit, by its caller, or when the host stops and can wait no longer. It is the task's alone: what goes on after the task
    /// needs a token of its own.
    /// </param>
    /// <returns>What the task gives out.</returns>
    protected abstract ValueTask<TOutput> RunAsync(TInput input, TaskContext task, CancellationToken cancellationToken);

    /// <inheritdoc />
    protected sealed override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(task);
        return TaskData.From(await RunAsync(task.Input.GetInput<TInput>(task.Task), task, cancellationToken).ConfigureAwait(false));
    }
}
