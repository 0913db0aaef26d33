using Conductor.Agents;
using Conductor.State;

namespace Conductor.Durability;

/// <summary>An agent that writes down all it does, has an effect, fails now and then, and finds something in the first round.</summary>
internal sealed class LoggedAgent(ExecutionLog log, WorkerOptions options, StateManager state) : BaseAgent
{
    private static volatile bool _hasFailed;

    protected override async ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var key = task.IdempotencyKey;
        log.Write("begin", key, $"{task.Delivery}.{task.Attempt}");
        if (task.Task.Metadata.ContainsKey("kills"))
        {
            if (task.Delivery < options.MaxCrashes)
            {
                await UntilNeighbourRestsAsync(task.WorkflowId!, cancellationToken);
            }

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
            _hasFailed = true;
            task.Fail(ErrorCodes.TransientError, "The first attempt fails.");
        }

        if (task is { Round: 0, Phase: { } phase } && phase == WorkflowPhase.Monitoring)
        {
            task.SendBack(FeedbackSeverity.Error, "the first round is never good", "code-1");
        }

        return value;
    }

    /// <summary>Until the neighbour has failed in this life, and it is committed that it waits for its next attempt.</summary>
    private async Task UntilNeighbourRestsAsync(string runId, CancellationToken cancellationToken)
    {
        while (!_hasFailed || !await IsRestingAsync(runId))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }
    }

    private async Task<bool> IsRestingAsync(string runId) =>
        (await state.GetWorkflowHistoryAsync(runId))!.Events.Last(static happening => happening.TaskId == "resting").Kind == WorkflowEventKind.TaskRetrying;
}
