using Conductor.Agents;

namespace Conductor.AotSmoke;

/// <summary>Sends the first page back, whatever stands on it.</summary>
internal sealed class Critic : BaseAgent
{
    protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var page = task.Output<Page>("write");
        if (page.Round == 0)
        {
            task.SendBack(FeedbackSeverity.Error, "too short", affected: "write");
        }

        return new(TaskData.From(page.Text.Length));
    }
}
