using Conductor.Diagnostics;
using Conductor.Messaging;
using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>
/// Stands in for an agent that is made anew for each task, in the task's own scope, because it needs scoped services. It is known by what the last
/// instance said of itself.
/// </summary>
internal sealed class PerTaskAgent(Func<IServiceProvider, BaseAgent> make, ConductorEnvironment environment) : BaseAgent
{
    private readonly ILogger _logger = environment.LoggerFactory.CreateLogger<BaseAgent>();
    private PerTaskInstance? _current;

    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var agent = make(task.Services)
            ?? throw new InvalidOperationException($"The factory of agent '{Identity.Id}' gave null. Let it give an agent for each task.");

        // No instance was there to say who it is when this was registered.
        Learn(agent.IdentityUnder(Identity));
        agent.Attach(Identity);

        // It ends with the scope, when the task's result is settled: a stop hook that takes its time takes nothing from that.
        var instance = new PerTaskInstance(agent);
        task.EndWithScope(instance);
        await instance.StartAsync(cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _current, instance);
        try
        {
            return await instance.RunAsync(task, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _current, null);
        }
    }

    /// <summary>A message goes to the instance of the task that runs, if one does.</summary>
    protected override async ValueTask OnMessageAsync(AgentMessage message, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _current) is not { } instance || !await instance.TryHandleAsync(message, cancellationToken).ConfigureAwait(false))
        {
            // A broadcast was meant for whoever is there.
            Log.NobodyForMessage(_logger, message.Recipient is null ? LogLevel.Debug : LogLevel.Warning, message.Id, message.Sender, Identity.Id);
        }
    }
}
