namespace Conductor;

/// <summary>A task's total deadline passed before an agent could run it: AGENT_TIMEOUT.</summary>
public sealed class AgentTimeoutException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="taskId">The task.</param>
    /// <param name="message">Which limit passed and how to raise it.</param>
    public AgentTimeoutException(string taskId, string message)
        : base(ErrorCodes.AgentTimeout, message) =>
        TaskId = taskId;

    /// <summary>The task.</summary>
    public string TaskId { get; }
}
