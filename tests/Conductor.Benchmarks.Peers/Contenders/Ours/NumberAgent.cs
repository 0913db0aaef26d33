using Conductor.Agents;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>Answers at once.</summary>
internal sealed class NumberAgent : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) =>
        new(TaskData.From(task.Input.Get<int>() + 1));
}
