namespace Conductor;

/// <summary>A task or an agent names no agent type: NO_AGENT_TYPE.</summary>
public sealed class NoAgentTypeException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What lacks the type and how to give it one.</param>
    public NoAgentTypeException(string message)
        : base(ErrorCodes.NoAgentType, message)
    {
    }
}
