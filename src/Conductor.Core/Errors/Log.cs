using Microsoft.Extensions.Logging;

namespace Conductor.Errors;

/// <summary>Event ids 1600 to 1699.</summary>
internal static partial class Log
{
    [LoggerMessage(1600, LogLevel.Information, "Task {TaskId} failed at agent {AgentId} ({Code}): attempt {Attempt} is tried again in {Delay}. {Message}")]
    public static partial void Retrying(ILogger logger, string? taskId, string? agentId, string code, int attempt, TimeSpan delay, string message);

    [LoggerMessage(1601, LogLevel.Error, "Task {TaskId} failed at agent {AgentId} ({Code}) and is escalated: {Reason} {Message}")]
    public static partial void Escalated(ILogger logger, string? taskId, string? agentId, string code, string reason, string message);

    [LoggerMessage(1602, LogLevel.Error, "Task {TaskId} failed at agent {AgentId} ({Code}) and is kept as dead letter {DeadLetterId}: {Reason} {Message}")]
    public static partial void DeadLettered(
        ILogger logger, string? taskId, string? agentId, string code, string deadLetterId, string reason, string message);

    [LoggerMessage(1603, LogLevel.Warning, "Optional task {TaskId} failed at agent {AgentId} ({Code}) and is skipped: {Reason} {Message}")]
    public static partial void Skipped(ILogger logger, string? taskId, string? agentId, string code, string reason, string message);

    [LoggerMessage(1604, LogLevel.Warning, "The circuit breaker of agent {AgentId} went from {Before} to {After}.")]
    public static partial void BreakerChanged(ILogger logger, string agentId, CircuitBreakerState before, CircuitBreakerState after);

    [LoggerMessage(1605, LogLevel.Warning, "A notice on {Channel} about task {TaskId} could not be published. What matters is in the store and the log.")]
    public static partial void NoticeFailed(ILogger logger, Exception exception, string channel, string? taskId);

    [LoggerMessage(1607, LogLevel.Error, "Somebody who listens to metrics, traces or logs failed at a change of the circuit breaker of agent {AgentId}.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, string agentId);

    [LoggerMessage(1608, LogLevel.Error, "The dead letter of task {TaskId} ({Code}) could not be kept, and is lost. What it says: {Message}")]
    public static partial void DeadLetterLost(ILogger logger, Exception exception, string? taskId, string code, string message);

    [LoggerMessage(1609, LogLevel.Warning, "Dead letter {DeadLetterId} could not be kept; it is tried again in {Delay}.")]
    public static partial void KeepingRetried(ILogger logger, Exception exception, string deadLetterId, TimeSpan delay);

    [LoggerMessage(1610, LogLevel.Error, "Dead letter {DeadLetterId} is kept without the input of task {TaskId}, which the store cannot write down.")]
    public static partial void InputNotKept(ILogger logger, Exception exception, string deadLetterId, string taskId);

    [LoggerMessage(1613, LogLevel.Error,
        "A replay of dead letter {DeadLetterId}, task {TaskId}, was given up ({Code}). Its input cannot be written down, so that letter stays. {Message}")]
    public static partial void ReplayedStays(ILogger logger, Exception exception, string deadLetterId, string taskId, string code, string message);
}
