namespace Conductor;

/// <summary>A task ran and failed for good, was skipped, blocked or cancelled. Its code is the error's own.</summary>
public sealed class TaskFailedException : ConductorException
{
    /// <summary>Makes the exception from a result.</summary>
    /// <param name="result">A result that is not a success.</param>
    public TaskFailedException(TaskResult result)
        : base(
            (result ?? throw new ArgumentNullException(nameof(result))).Error?.Code ?? ErrorCodes.UnknownError,
            $"Task '{result.TaskId}' ended as {result.Status} after {result.Attempts} attempt(s): {result.Error?.Message ?? "no error was given"}")
    {
        Result = result;
        IsTransient = result.Error?.IsTransient;
        RetryAfter = result.Error?.RetryAfter;
    }

    /// <summary>The whole result.</summary>
    public TaskResult Result { get; }
}
