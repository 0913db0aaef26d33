using Microsoft.Extensions.Logging;

namespace Conductor.DependencyInjection;

/// <summary>Event ids 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Conductor started with {Agents} agent(s).")]
    public static partial void Started(ILogger logger, int agents);

    [LoggerMessage(1001, LogLevel.Information, "Conductor stopped.")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(1002, LogLevel.Error, "A part of Conductor could not be stopped; the others are.")]
    public static partial void StopFailed(ILogger logger, Exception exception);

    [LoggerMessage(1003, LogLevel.Error, "The {Part} did not disconnect in the time that the stop had, and is left to itself.")]
    public static partial void DisconnectLeft(ILogger logger, string part);

    [LoggerMessage(1004, LogLevel.Error, "What somebody registered on the token of the start failed when Conductor was stopped meanwhile.")]
    public static partial void StartCallbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(1005, LogLevel.Warning,
        "ConductorOptions.AgentTypes has settings for '{AgentType}', and no agent of that type was added by AddAgent; those that were are of: " +
        "{Added}. Correct the name, unless agents of it are registered by hand.")]
    public static partial void NobodyOfType(ILogger logger, string agentType, string added);

    [LoggerMessage(1006, LogLevel.Error, "What was made for an agent of {Agent}, which could not be made itself, could not be disposed of.")]
    public static partial void ScopeNotEnded(ILogger logger, Exception exception, Type agent);

    [LoggerMessage(1007, LogLevel.Information,
        "The configuration has no section '{Section}': no setting is taken from it. Correct the name, unless the defaults are meant.")]
    public static partial void NoSection(ILogger logger, string section);
}
