using Microsoft.Extensions.Logging;

namespace Conductor.State;

/// <summary>Event ids 1200 to 1299.</summary>
internal static partial class Log
{
    [LoggerMessage(1200, LogLevel.Debug, "Store {Store} is connected; a save survives {Durability}.")]
    public static partial void Connected(ILogger logger, string store, DurabilityLevel durability);

    [LoggerMessage(1201, LogLevel.Debug, "Store {Store} is disconnected.")]
    public static partial void Disconnected(ILogger logger, string store);

    [LoggerMessage(1202, LogLevel.Error,
        "Dead letter {DeadLetterId} ({Code}) was removed: the store keeps {Limit}. Replay or clear them, or raise RetentionOptions.MaxDeadLetters.")]
    public static partial void DeadLetterEvicted(ILogger logger, string deadLetterId, string code, int limit);

    [LoggerMessage(1203, LogLevel.Error, "The result of task {TaskId} (run {WorkflowId}) cannot be saved: the task has failed.")]
    public static partial void ResultNotSavable(ILogger logger, Exception exception, string taskId, string? workflowId);

    [LoggerMessage(1204, LogLevel.Warning,
        "Store {Store} was disposed while it connected or disconnected, which took longer than {Patience}: that is left to itself.")]
    public static partial void LeftConnecting(ILogger logger, string store, TimeSpan patience);

    [LoggerMessage(1205, LogLevel.Warning, "The store failed, after it was waited for no longer, when {Wish}")]
    public static partial void FailedLate(ILogger logger, Exception exception, string wish);
}
