using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>Stands in for an agent that is made anew for each task, in the task's own scope, because it needs scoped services.</summary>
internal sealed class PerTaskAgent(Func<IServiceProvider, BaseAgent> make) : BaseAgent
{
    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var agent = make(task.Services);
        agent.Attach(Identity);
        try
        {
            await agent.StartAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await agent.RunPlainAsync(task, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                await EndAsync(agent, task, static ended => ended.StopAsync(CancellationToken.None)).ConfigureAwait(false);
            }
        }
        finally
        {
            await EndAsync(agent, task, AgentDisposal.DisposeAsync).ConfigureAwait(false);
        }
    }

    /// <summary>What a stop hook or a disposal throws is logged, and changes nothing of the task that is done.</summary>
    private async ValueTask EndAsync(BaseAgent agent, TaskContext task, Func<BaseAgent, ValueTask> end)
    {
        try
        {
            await end(agent).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A user's hook may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.EndFailed(task.Environment.LoggerFactory.CreateLogger<BaseAgent>(), exception, Identity.Id, task.Task.Id);
        }
    }
}
