namespace Conductor;

/// <summary>
/// A task or its data is not valid, or there is no such dead letter to replay: TASK_VALIDATION_FAILED. Never retried, and never counted against an agent.
/// </summary>
public sealed class TaskValidationException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong and how to put it right.</param>
    /// <param name="innerException">What caused it, if known.</param>
    public TaskValidationException(string message, Exception? innerException = null)
        : base(ErrorCodes.TaskValidationFailed, message, innerException)
    {
    }
}
