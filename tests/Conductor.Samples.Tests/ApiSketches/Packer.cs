using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Packer : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
}
