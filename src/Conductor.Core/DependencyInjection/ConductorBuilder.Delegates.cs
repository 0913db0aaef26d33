using System.Runtime.CompilerServices;
using Conductor.Agents;

namespace Conductor.DependencyInjection;

/// <content>
/// Agents from delegates. Where a lambda could give a ValueTask or a Task, it gives a ValueTask, which costs nothing when it is done at once: hence the
/// priorities. A <c>default</c> is no type, rather than no name of one.
/// </content>
public sealed partial class ConductorBuilder
{
    /// <summary>Adds agents from a delegate.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    public ConductorBuilder AddAgent<TInput, TOutput>(
        AgentType type, Func<TInput, TaskContext, CancellationToken, ValueTask<TOutput>> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Add(type, count, agentId, [typeof(TInput), typeof(TOutput)], _ => new DelegateAgent<TInput, TOutput>(run));
    }

    /// <summary>Adds agents from a delegate that takes no input.</summary>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    public ConductorBuilder AddAgent<TOutput>(
        AgentType type, Func<TaskContext, CancellationToken, ValueTask<TOutput>> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Add(type, count, agentId, [typeof(TOutput)], _ => new DelegateAgent<TOutput>(run));
    }

    /// <summary>Adds agents from a delegate, of a type given by its name.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent<TInput, TOutput>(
        string type, Func<TInput, TaskContext, CancellationToken, ValueTask<TOutput>> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>Adds agents from a delegate that takes no input, of a type given by its name.</summary>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent<TOutput>(
        string type, Func<TaskContext, CancellationToken, ValueTask<TOutput>> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>Adds agents from a delegate that gives a <see cref="Task{TResult}"/>.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent<TInput, TOutput>(
        AgentType type, Func<TInput, TaskContext, CancellationToken, Task<TOutput>> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return AddAgent(
            type, (TInput input, TaskContext task, CancellationToken token) => new ValueTask<TOutput>(Given(run(input, task, token), type)), count, agentId);
    }

    /// <summary>Adds agents from a delegate that takes no input and gives a <see cref="Task{TResult}"/>.</summary>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-1)]
    public ConductorBuilder AddAgent<TOutput>(
        AgentType type, Func<TaskContext, CancellationToken, Task<TOutput>> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return AddAgent(type, (TaskContext task, CancellationToken token) => new ValueTask<TOutput>(Given(run(task, token), type)), count, agentId);
    }

    /// <summary>Adds agents from a delegate that gives a <see cref="Task{TResult}"/>, of a type given by its name.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-2)]
    public ConductorBuilder AddAgent<TInput, TOutput>(
        string type, Func<TInput, TaskContext, CancellationToken, Task<TOutput>> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>Adds agents from a delegate that takes no input and gives a <see cref="Task{TResult}"/>, of a type given by its name.</summary>
    /// <typeparam name="TOutput">What they give out.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-2)]
    public ConductorBuilder AddAgent<TOutput>(
        string type, Func<TaskContext, CancellationToken, Task<TOutput>> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>Adds agents from a delegate that gives out nothing.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-2)]
    public ConductorBuilder AddAgent<TInput>(
        AgentType type, Func<TInput, TaskContext, CancellationToken, Task> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Add(
            type,
            count,
            agentId,
            [typeof(TInput)],
            _ => new DelegateAgent<TInput, TaskData>((input, task, token) => WithoutOutputAsync(Given(run(input, task, token), type))));
    }

    /// <summary>Adds agents from a delegate that takes no input and gives out nothing.</summary>
    /// <param name="type">Their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-2)]
    public ConductorBuilder AddAgent(
        AgentType type, Func<TaskContext, CancellationToken, Task> run, int count = 1, string? agentId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Add(type, count, agentId, [], _ => new DelegateAgent<TaskData>((task, token) => WithoutOutputAsync(Given(run(task, token), type))));
    }

    /// <summary>Adds agents from a delegate that gives out nothing, of a type given by its name.</summary>
    /// <typeparam name="TInput">What they take in.</typeparam>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-3)]
    public ConductorBuilder AddAgent<TInput>(
        string type, Func<TInput, TaskContext, CancellationToken, Task> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>Adds agents from a delegate that takes no input and gives out nothing, of a type given by its name.</summary>
    /// <param name="type">The name of their type.</param>
    /// <param name="run">Does the work.</param>
    /// <param name="count">How many: at least 1. Default: 1.</param>
    /// <param name="agentId">
    /// The id of a single agent. Default: the type's name and a number, which is the same in every program: see <see cref="AgentIdentity.Id"/>
    /// where several use one store.
    /// </param>
    [OverloadResolutionPriority(-3)]
    public ConductorBuilder AddAgent(
        string type, Func<TaskContext, CancellationToken, Task> run, int count = 1, string? agentId = null) =>
        AddAgent(new AgentType(type), run, count, agentId);

    /// <summary>A delegate that is not async may give null for its work.</summary>
    private static TTask Given<TTask>(TTask? work, AgentType type)
        where TTask : Task => work ?? throw new InvalidOperationException($"The delegate of agent type '{type}' gave null instead of a Task.");

    private static async ValueTask<TaskData> WithoutOutputAsync(Task work)
    {
        await work.ConfigureAwait(false);
        return TaskData.Empty;
    }
}
