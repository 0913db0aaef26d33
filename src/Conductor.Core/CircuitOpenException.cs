namespace Conductor;

/// <summary>Every agent of the type is broken off: CIRCUIT_OPEN. The task was kept as a dead letter, which the message names, unless it is optional.</summary>
public sealed class CircuitOpenException : ConductorException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="agentType">The type asked for.</param>
    /// <param name="retryAfter">The time until the first of them is tried again.</param>
    public CircuitOpenException(AgentType agentType, TimeSpan retryAfter)
        : this(agentType, retryAfter, Explain(agentType, retryAfter))
    {
    }

    private CircuitOpenException(AgentType agentType, TimeSpan retryAfter, string message)
        : base(ErrorCodes.CircuitOpen, message)
    {
        AgentType = agentType;
        RetryAfter = retryAfter;
    }

    /// <summary>The type asked for.</summary>
    public AgentType AgentType { get; }

    /// <summary>The same for a task that was kept as a dead letter.</summary>
    internal CircuitOpenException KeptAs(string deadLetterId)
    {
        var retryAfter = RetryAfter.GetValueOrDefault();
        return new CircuitOpenException(
            AgentType, retryAfter, $"{Explain(AgentType, retryAfter)} The task is kept as dead letter '{deadLetterId}': replay it then.");
    }

    private static string Explain(AgentType agentType, TimeSpan retryAfter) =>
        FormattableString.Invariant(
            $"Every agent of type '{agentType}' is broken off after repeated failures; the first is tried again in {retryAfter.TotalSeconds:0.###} s, ") +
        "or as soon as its circuit breaker is reset.";
}
