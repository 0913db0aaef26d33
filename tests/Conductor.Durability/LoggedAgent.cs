using Conductor.Agents;

namespace Conductor.Durability;

/// <summary>An agent that writes down all it does, has an effect, fails now and then, and finds something in the first round.</summary>
internal sealed class LoggedAgent(ExecutionLog log, WorkerOptions options) : BaseAgent
{
    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var key = task.IdempotencyKey;
        log.Write("begin", key, $"{task.Delivery}.{task.Attempt}");
        if (task.Task.Metadata.ContainsKey("kills"))
        {
            KillSwitch.KillThisProcess();
        }

        await Task.Delay(Random.Shared.Next(0, options.TaskMilliseconds + 1), cancellationToken);
        var value = await task.OnceAsync(
            "effect",
            token =>
            {
                var made = $"{Environment.ProcessId}-{Guid.NewGuid():N}";
                log.Write("effect", key, made);
                return ValueTask.FromResult(made);
            },
            cancellationToken);
        log.Write("value", key, value);
        if (task.Attempt == 1 && task.Task.Metadata.ContainsKey("fails"))
        {
            task.Fail(ErrorCodes.TransientError, "The first attempt fails.");
        }

        if (task is { Round: 0, Phase: { } phase } && phase == WorkflowPhase.Monitoring)
        {
            task.SendBack(FeedbackSeverity.Error, "the first round is never good", "code-1");
        }

        return value;
    }
}
