namespace Conductor;

/// <summary>An agent of this id is registered already: AGENT_ALREADY_REGISTERED.</summary>
public sealed class AgentAlreadyRegisteredException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="agentId">The id.</param>
    public AgentAlreadyRegisteredException(string agentId)
        : base(ErrorCodes.AgentAlreadyRegistered, $"An agent '{agentId}' is registered already. Unregister it first, or give this one another id.") =>
        AgentId = agentId;

    /// <summary>The id.</summary>
    public string AgentId { get; }
}
