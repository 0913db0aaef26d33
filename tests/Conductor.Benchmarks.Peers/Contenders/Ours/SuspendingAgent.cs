using Conductor.Agents;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>Answers after it suspended once.</summary>
internal sealed class SuspendingAgent : BaseAgent
{
    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return TaskData.From(task.Input.Get<int>() + 1);
    }
}
