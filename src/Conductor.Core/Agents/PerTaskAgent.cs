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
                await agent.StopAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            await AgentDisposal.DisposeAsync(agent).ConfigureAwait(false);
        }
    }
}
