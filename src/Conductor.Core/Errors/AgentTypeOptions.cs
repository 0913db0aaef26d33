namespace Conductor.Errors;

/// <summary>Settings of one agent type.</summary>
public sealed class AgentTypeOptions
{
    /// <summary>Retry settings.</summary>
    /// <value>Default: null, the general ones.</value>
    public RetrySettings? Retry { get; set; }

    /// <summary>Circuit breaker settings.</summary>
    /// <value>Default: null, the general ones.</value>
    public CircuitBreakerSettings? CircuitBreaker { get; set; }
}
