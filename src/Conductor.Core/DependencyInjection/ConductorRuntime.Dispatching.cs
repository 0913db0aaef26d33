using Conductor.Coordination;

namespace Conductor.DependencyInjection;

/// <content>The short forms of dispatch.</content>
public sealed partial class ConductorRuntime
{
    /// <summary>Dispatches a task and gives its output.</summary>
    /// <typeparam name="TOutput">
    /// The output's type. Where it may be null (a class, or a <see cref="Nullable{T}"/>), an agent that gave out nothing gives null.
    /// </typeparam>
    /// <param name="type">The type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or this stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">This is not started, or was stopped before.</exception>
    public ValueTask<TOutput> DispatchAsync<TOutput>(AgentType type, TaskData? input = null, CancellationToken cancellationToken = default) =>
        Coordinator.DispatchAsync<TOutput>(type, input, cancellationToken);

    /// <summary>Dispatches a task to agents of a type given by its name, and gives its output. The rest is as where the type is given.</summary>
    /// <typeparam name="TOutput">The output's type.</typeparam>
    /// <param name="type">The name of the type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ArgumentException">It is no name for a type.</exception>
    public ValueTask<TOutput> DispatchAsync<TOutput>(string type, TaskData? input = null, CancellationToken cancellationToken = default) =>
        DispatchAsync<TOutput>(new AgentType(type), input, cancellationToken);

    /// <summary>Dispatches a task with a typed input and gives its output.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <typeparam name="TOutput">
    /// The output's type. Where it may be null (a class, or a <see cref="Nullable{T}"/>), an agent that gave out nothing gives null.
    /// </typeparam>
    /// <param name="type">The type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or this stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">This is not started, or was stopped before.</exception>
    public ValueTask<TOutput> DispatchAsync<TInput, TOutput>(AgentType type, TInput input, CancellationToken cancellationToken = default) =>
        Coordinator.DispatchAsync<TInput, TOutput>(type, input, cancellationToken);

    /// <summary>
    /// Dispatches a task with a typed input to agents of a type given by its name, and gives its output. The rest is as where the type is given.
    /// </summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <typeparam name="TOutput">The output's type.</typeparam>
    /// <param name="type">The name of the type of agent.</param>
    /// <param name="input">What the agent gets.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ArgumentException">It is no name for a type.</exception>
    public ValueTask<TOutput> DispatchAsync<TInput, TOutput>(string type, TInput input, CancellationToken cancellationToken = default) =>
        DispatchAsync<TInput, TOutput>(new AgentType(type), input, cancellationToken);

    /// <summary>Dispatches a task and gives its output.</summary>
    /// <typeparam name="TOutput">
    /// The output's type. Where it may be null (a class, or a <see cref="Nullable{T}"/>), an agent that gave out nothing gives null.
    /// </typeparam>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">
    /// It never ran (over its deadline before it had an agent: <see cref="AgentTimeoutException"/>), it failed for good (a
    /// <see cref="TaskFailedException"/>, whose code is AGENT_TIMEOUT where an attempt ran out of time), its output is of another type, or its result
    /// could not be recorded (a <see cref="StateException"/>).
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or this stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">This is not started, or was stopped before.</exception>
    public ValueTask<TOutput> DispatchAsync<TOutput>(TaskDefinition task, CancellationToken cancellationToken = default) =>
        Coordinator.DispatchAsync<TOutput>(task, cancellationToken);

    /// <summary>Dispatches a task and gives what became of it: the long form, see <see cref="AgentCoordinator.DispatchTaskAsync"/>.</summary>
    /// <param name="task">The task.</param>
    /// <param name="cancellationToken">Cancels the task.</param>
    /// <exception cref="ConductorException">It never ran, or its result could not be recorded (a <see cref="StateException"/>).</exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled; or this stopped while the task ran and could wait no longer, as the message says then.
    /// </exception>
    /// <exception cref="InvalidOperationException">This is not started, or was stopped before.</exception>
    public ValueTask<TaskResult> DispatchTaskAsync(TaskDefinition task, CancellationToken cancellationToken = default) =>
        Coordinator.DispatchTaskAsync(task, cancellationToken);
}
