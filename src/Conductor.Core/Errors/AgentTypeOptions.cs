namespace Conductor.Errors;

/// <summary>Settings of one agent type. (Classes, not the records of a task: configuration can fill only what can be set.)</summary>
public sealed class AgentTypeOptions
{
    /// <summary>Retry settings.</summary>
    /// <value>Default: those of all types.</value>
    public RetryOverrideOptions Retry { get; set; } = new();

    /// <summary>Circuit breaker settings.</summary>
    /// <value>Default: those of all types.</value>
    public CircuitBreakerOverrideOptions CircuitBreaker { get; set; } = new();
}
