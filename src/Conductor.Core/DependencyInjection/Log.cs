using Microsoft.Extensions.Logging;

namespace Conductor.DependencyInjection;

/// <summary>Event ids 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Conductor started with {Agents} agent(s).")]
    public static partial void Started(ILogger logger, int agents);

    [LoggerMessage(1001, LogLevel.Information, "Conductor stopped.")]
    public static partial void Stopped(ILogger logger);
}
