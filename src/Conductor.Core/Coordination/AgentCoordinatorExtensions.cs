namespace Conductor.Coordination;

/// <summary>The short forms of dispatch.</summary>
public static class AgentCoordinatorExtensions
{
    /// <summary>Dispatches a task and gives its output.</summary>
    /// <typeparam name="TOutput">
    /// The output's type. Where it may be null (a class, or a <see cref="Nullable{T}"/>), an agent that gave out nothing gives null.
    /// </typeparam>
    /// <param name="coordinator">The coordinator.</param>
    /// <param name="type">The type of agent.</param>
    /// <param name="input">What the agent gets. Default: nothing.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or the coordinator stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">The coordinator is not started, or was stopped before.</exception>
    public static ValueTask<TOutput> DispatchAsync<TOutput>(
        this AgentCoordinator coordinator, AgentType type, TaskData? input = null, CancellationToken cancellationToken = default) =>
        coordinator.DispatchAsync<TOutput>(new TaskDefinition { AgentType = type, Input = input ?? TaskData.Empty }, cancellationToken);

    /// <summary>Dispatches a task to agents of a type given by its name, and gives its output. The rest is as where the type is given.</summary>
    /// <typeparam name="TOutput">The output's type.</typeparam>
    /// <param name="coordinator">The coordinator.</param>
    /// <param name="type">The name of the type of agent.</param>
    /// <param name="input">What the agent gets. Default: nothing.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ArgumentException">It is no name for a type.</exception>
    public static ValueTask<TOutput> DispatchAsync<TOutput>(
        this AgentCoordinator coordinator, string type, TaskData? input = null, CancellationToken cancellationToken = default) =>
        coordinator.DispatchAsync<TOutput>(new AgentType(type), input, cancellationToken);

    /// <summary>Dispatches a task with a typed input and gives its output.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <typeparam name="TOutput">The output's type.</typeparam>
    /// <param name="coordinator">The coordinator.</param>
    /// <param name="type">The type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or the coordinator stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">The coordinator is not started, or was stopped before.</exception>
    public static ValueTask<TOutput> DispatchAsync<TInput, TOutput>(
        this AgentCoordinator coordinator, AgentType type, TInput input, CancellationToken cancellationToken = default) =>
        coordinator.DispatchAsync<TOutput>(type, TaskData.From(input), cancellationToken);

    /// <summary>
    /// Dispatches a task with a typed input to agents of a type given by its name, and gives its output. The rest is as where the type is given.
    /// </summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <typeparam name="TOutput">The output's type.</typeparam>
    /// <param name="coordinator">The coordinator.</param>
    /// <param name="type">The name of the type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ArgumentException">It is no name for a type.</exception>
    public static ValueTask<TOutput> DispatchAsync<TInput, TOutput>(
        this AgentCoordinator coordinator, string type, TInput input, CancellationToken cancellationToken = default) =>
        coordinator.DispatchAsync<TInput, TOutput>(new AgentType(type), input, cancellationToken);

    /// <summary>Dispatches a task and gives its output.</summary>
    /// <typeparam name="TOutput">
    /// The output's type. Where it may be null (a class, or a <see cref="Nullable{T}"/>), an agent that gave out nothing gives null.
    /// </typeparam>
    /// <param name="coordinator">The coordinator.</param>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or the coordinator stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">The coordinator is not started, or was stopped before.</exception>
    public static async ValueTask<TOutput> DispatchAsync<TOutput>(
        this AgentCoordinator coordinator, TaskDefinition task, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(coordinator);
        var result = await coordinator.DispatchTaskAsync(task, cancellationToken).ConfigureAwait(false);
        return result.EnsureSucceeded().Output.GetOrNull<TOutput>();
    }
}
