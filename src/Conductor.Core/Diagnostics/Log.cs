using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>Events 1606, 1611 and 1612, three of the errors'; those of the error handler are the others.</summary>
internal static partial class Log
{
    [LoggerMessage(1611, LogLevel.Error, "Somebody who listens to the metric {Instrument} failed.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, string instrument);

    [LoggerMessage(1612, LogLevel.Error, "Somebody who listens to traces failed.")]
    public static partial void TracingFailed(ILogger logger, Exception exception);

    [LoggerMessage(1606, LogLevel.Error,
        "The error classifier itself failed on a {Exception} of task {TaskId} of run {WorkflowId}; the default one is asked instead. The exception " +
        "says: {Text}")]
    public static partial void ClassifierFailed(ILogger logger, Exception failure, string? exception, string? taskId, string? workflowId, string text);
}
