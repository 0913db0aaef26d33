using Conductor.Agents;

namespace Conductor.AotSmoke;

/// <summary>A typed agent.</summary>
internal sealed class Writer : BaseAgent<Draft, Page>
{
    protected override ValueTask<Page> RunAsync(Draft draft, TaskContext task, CancellationToken cancellationToken) =>
        new(new Page { Text = draft.Text, Round = task.Round });
}
