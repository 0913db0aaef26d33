using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Hello : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
        => new(TaskData.From($"Hello {task.Input.Get<string>()}"));
}
