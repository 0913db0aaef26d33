using Microsoft.Extensions.Logging;

namespace Conductor.Policies;

/// <summary>Event ids 1500 to 1599.</summary>
internal static partial class Log
{
    [LoggerMessage(1500, LogLevel.Debug, "Policy {Policy} denied: {Reason}")]
    public static partial void Denied(ILogger logger, string policy, string reason);

    [LoggerMessage(1501, LogLevel.Error, "Policy {Policy} failed, which counts as a denial.")]
    public static partial void PolicyFailed(ILogger logger, Exception exception, string policy);
}
