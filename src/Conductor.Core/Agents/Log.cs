using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>Event ids 1300 to 1329.</summary>
internal static partial class Log
{
    [LoggerMessage(1300, LogLevel.Warning, "Agent {AgentId} failed at task {TaskId}.")]
    public static partial void AgentFailed(ILogger logger, Exception exception, string agentId, string taskId);

    [LoggerMessage(EventId = 1301, Message = "A late result of agent {AgentId} for task {TaskId} ({Status}) was dropped: its attempt had ended before.")]
    public static partial void LateResult(ILogger logger, LogLevel level, string agentId, string taskId, AgentTaskStatus status);

    [LoggerMessage(1302, LogLevel.Error, "Agent {AgentId} refused task {TaskId}: it still runs {CurrentTaskId}.")]
    public static partial void AssignmentRefused(ILogger logger, string agentId, string taskId, string currentTaskId);

    [LoggerMessage(1303, LogLevel.Debug, "Agent {AgentId} dropped the assignment of task {TaskId}: it was taken back before it came.")]
    public static partial void AssignmentRevoked(ILogger logger, string agentId, string taskId);

    [LoggerMessage(1304, LogLevel.Error, "The result of agent {AgentId} for task {TaskId} could not be published.")]
    public static partial void ResultUndeliverable(ILogger logger, Exception exception, string agentId, string taskId);

    [LoggerMessage(1305, LogLevel.Warning, "The services of task {TaskId} could not be disposed.")]
    public static partial void ScopeFailed(ILogger logger, Exception exception, string taskId);

    [LoggerMessage(1306, LogLevel.Debug, "A progress report of task {TaskId} was lost.")]
    public static partial void ProgressLost(ILogger logger, Exception exception, string taskId);

    [LoggerMessage(1307, LogLevel.Error, "What surrounds agent {AgentId} failed at task {TaskId}: a listener of traces or metrics, most likely.")]
    public static partial void RunFailed(ILogger logger, Exception exception, string agentId, string taskId);

    [LoggerMessage(1308, LogLevel.Error, "Agent {AgentId}, made for task {TaskId} alone, could not be stopped or disposed; its result stands.")]
    public static partial void EndFailed(ILogger logger, Exception exception, string agentId, string taskId);

    [LoggerMessage(1309, LogLevel.Error,
        "What agent {AgentId} used for task {TaskId} alone (a stop hook, services of its scope) did not end in time, and is left to itself; its " +
        "result stands.")]
    public static partial void EndLeft(ILogger logger, string agentId, string taskId);

    [LoggerMessage(EventId = 1310, Message = "Message {MessageId} of {Sender} was dropped: agent {AgentId} is made anew for each task, and runs " +
        "none. Register it with AgentLifetime.PerAgent, so that it takes messages at any time, or send what it needs as a task's input.")]
    public static partial void NobodyForMessage(ILogger logger, LogLevel level, string messageId, string sender, string agentId);

    [LoggerMessage(1311, LogLevel.Debug,
        "Agent {AgentId} left the assignment of task {TaskId} to another agent of its id: it is coordinator {CoordinatorId}'s.")]
    public static partial void AssignmentNotOurs(ILogger logger, string agentId, string taskId, string coordinatorId);

    [LoggerMessage(1320, LogLevel.Warning, "That effect {Effect} of task {TaskId} was done could not be recorded now; it is tried again in {Delay}.")]
    public static partial void EffectRecordedLater(ILogger logger, Exception exception, string effect, string taskId, TimeSpan delay);

    [LoggerMessage(1321, LogLevel.Error, "What agent {AgentId} registered on the token of task {TaskId} failed when the task was cancelled.")]
    public static partial void CallbackFailed(ILogger logger, Exception exception, string agentId, string taskId);

    [LoggerMessage(1322, LogLevel.Warning,
        "{Call} of agent {AgentId} came after its code for task {TaskId} had returned, and is in no result; nor is what follows. Await in RunAsync " +
        "whatever the task has to wait for: no async void, nothing that is started and left.")]
    public static partial void TooLate(ILogger logger, string call, string agentId, string taskId);

    [LoggerMessage(1323, LogLevel.Warning, "The result of agent {AgentId} for task {TaskId} could not be published now; it is tried again in {Delay}.")]
    public static partial void ResultPublishedLater(ILogger logger, Exception exception, string agentId, string taskId, TimeSpan delay);
}
