using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>Event 1606, one of the errors'; those of the error handler are the others.</summary>
internal static partial class Log
{
    [LoggerMessage(1606, LogLevel.Error, "The error classifier itself failed on a {Exception} of task {TaskId} of run {WorkflowId}; the default one is asked instead. The exception says: {Text}")]
    public static partial void ClassifierFailed(ILogger logger, Exception failure, string? exception, string? taskId, string? workflowId, string text);
}
