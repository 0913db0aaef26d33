using Conductor.Errors;

namespace Conductor.Tests.Support;

/// <summary>What is handed to an error handler.</summary>
internal static class Failures
{
    public static TaskError Transient { get; } = new() { Code = ErrorCodes.TransientError, Message = "busy" };

    public static TaskError Fatal { get; } = new() { Code = "BROKEN", Message = "no way" };

    public static ErrorContext Context(int attempt = 1, bool optional = false) => new()
    {
        AgentId = "a",
        AgentType = AgentType.Coding,
        Attempt = attempt,
        Task = new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Optional = optional },
    };
}
