using Microsoft.Extensions.Logging;

namespace Conductor.Diagnostics;

/// <summary>An event id of those of errors, 1600 to 1699.</summary>
internal static partial class Log
{
    [LoggerMessage(1606, LogLevel.Error, "The error classifier itself failed on a {Exception}; the default one is asked instead.")]
    public static partial void ClassifierFailed(ILogger logger, Exception failure, string exception);
}
