using Microsoft.Extensions.Logging;

namespace Conductor.State;

/// <summary>Results as a store can write them down.</summary>
internal static class SavableResult
{
    /// <summary>A result that the store cannot write down is a failure of its task: a save that holds it could never be done.</summary>
    /// <param name="store">The store.</param>
    /// <param name="result">The result.</param>
    /// <param name="logger">Where it is said.</param>
    public static TaskResult Of(StateManager store, TaskResult result, ILogger logger)
    {
        if (ProblemOf(store, result) is not { } problem)
        {
            return result;
        }

        Log.ResultNotSavable(logger, problem, result.TaskId, result.WorkflowId);
        var failed = result with
        {
            Status = result.IsSuccess ? AgentTaskStatus.Failed : result.Status,
            Output = TaskData.Empty,
            Feedback = null,
            Error = new TaskError { Code = ErrorCodes.TaskValidationFailed, Message = problem.Message, Type = problem.GetType().FullName, IsTransient = false },
        };

        // The agent's notes stay where it is not they that are too long.
        return ProblemOf(store, failed) is null ? failed : failed with { Metadata = Snapshot.EmptyMap };
    }

    private static Exception? ProblemOf(StateManager store, TaskResult result)
    {
        try
        {
            store.EnsureCanSave(result);
            return null;
        }
#pragma warning disable CA1031 // It comes of the agent's data, whose own code may be asked to write it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception;
        }
    }
}
