using Conductor.Agents;

namespace Conductor.Samples.Tests.ApiSketches;

internal sealed class Watcher : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        if (task.Round == 0)
        {
            task.SendBack(FeedbackSeverity.Error, "no licence", affected: "code");
        }

        return new(TaskData.Empty);
    }
}
