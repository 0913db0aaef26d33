using Conductor.Agents;
using Conductor.Messaging;

namespace Conductor.Tests.Support;

/// <summary>An agent whose every part is a lambda.</summary>
internal sealed class LambdaAgent(Func<TaskContext, CancellationToken, ValueTask<TaskData>> run) : BaseAgent
{
    public LambdaAgent(Func<TaskContext, TaskData> run)
        : this((task, _) => new ValueTask<TaskData>(run(task)))
    {
    }

    public Func<ValueTask>? OnStart { get; init; }

    /// <summary>In place of <see cref="OnStart"/>, with the hook's token.</summary>
    public Func<CancellationToken, ValueTask>? OnStarting { get; init; }

    public Func<ValueTask>? OnStop { get; init; }

    public Func<AgentMessage, ValueTask>? OnMessage { get; init; }

    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => run(task, cancellationToken);

    protected override ValueTask OnStartAsync(CancellationToken cancellationToken) =>
        OnStarting?.Invoke(cancellationToken) ?? OnStart?.Invoke() ?? ValueTask.CompletedTask;

    protected override ValueTask OnStopAsync(CancellationToken cancellationToken) => OnStop?.Invoke() ?? ValueTask.CompletedTask;

    protected override ValueTask OnMessageAsync(AgentMessage message, CancellationToken cancellationToken) =>
        OnMessage?.Invoke(message) ?? ValueTask.CompletedTask;
}
