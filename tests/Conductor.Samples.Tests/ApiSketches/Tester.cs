using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Tester : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) =>
        new(TaskData.From($"tested {task.Output<string>("code")}"));
}
