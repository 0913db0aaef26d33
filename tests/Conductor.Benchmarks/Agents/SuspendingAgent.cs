using Conductor.Agents;

namespace Conductor.Benchmarks.Agents;

/// <summary>Gives back what it gets, after it suspended once: like an agent that waits for something.</summary>
internal sealed class SuspendingAgent : BaseAgent
{
    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Yield();
        return task.Input;
    }
}
