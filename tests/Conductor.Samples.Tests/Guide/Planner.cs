using Conductor.Agents;
using Conductor.Workflows;

namespace Conductor.Samples.Tests.Guide;

internal sealed class Planner(WorkflowEngine engine) : BaseAgent<string[], int>
{
    protected override async ValueTask<int> RunAsync(string[] titles, TaskContext task, CancellationToken cancellationToken)
    {
        var articles = WorkflowDefinition.Create("articles").Phase(WorkflowPhase.Development, phase =>
        {
            foreach (var title in titles)
            {
                phase.Task(title, new AgentType("editor"), new Draft(title, Words: 500));
            }
        }).Build();

        // A second attempt finds the run that the first one started: the token ends the waiting, not the run.
        var options = new WorkflowRunOptions { RunId = $"articles of {task.IdempotencyKey}" };
        await using WorkflowRun run = await engine.StartWorkflowAsync(articles, options, cancellationToken);
        WorkflowState state = await run.Completion.WaitAsync(cancellationToken);
        return state.EnsureCompleted().TaskResults.Count;
    }
}
