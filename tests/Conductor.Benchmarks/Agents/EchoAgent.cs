using Conductor.Agents;

namespace Conductor.Benchmarks.Agents;

/// <summary>Gives back what it gets, at once.</summary>
internal sealed class EchoAgent : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(task.Input);
}
