namespace Conductor;

/// <summary>No agent of the type is registered, or none came free within the wait limit: NO_AVAILABLE_AGENT.</summary>
public sealed class NoAvailableAgentException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="agentType">The type asked for.</param>
    /// <param name="message">Why there is none and what to do.</param>
    public NoAvailableAgentException(AgentType agentType, string message)
        : base(ErrorCodes.NoAvailableAgent, message) =>
        AgentType = agentType;

    /// <summary>The type asked for.</summary>
    public AgentType AgentType { get; }
}
