namespace Conductor;

/// <summary>Every agent of the type is broken off: CIRCUIT_OPEN. The task was kept as a dead letter.</summary>
public sealed class CircuitOpenException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="agentType">The type asked for.</param>
    /// <param name="retryAfter">The time until the first of them is tried again.</param>
    public CircuitOpenException(AgentType agentType, TimeSpan retryAfter)
        : base(
            ErrorCodes.CircuitOpen,
            $"Every agent of type '{agentType}' is broken off after repeated failures; the first is tried again in {retryAfter.TotalSeconds:0.###} s. " +
            "The task is kept as a dead letter: replay it then, or reset the agents' circuit breakers.")
    {
        AgentType = agentType;
        RetryAfter = retryAfter;
    }

    /// <summary>The type asked for.</summary>
    public AgentType AgentType { get; }
}
