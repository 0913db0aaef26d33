namespace Conductor.Errors;

/// <summary>Circuit breaker settings of one agent type, as options; what is null is taken from the general settings.</summary>
public sealed class CircuitBreakerOverrideOptions
{
    /// <summary>Consecutive failures that open the breaker: at least 1.</summary>
    /// <value>Default: null.</value>
    public int? FailureThreshold { get; set; }

    /// <summary>Time after the last failure until trials begin: over zero.</summary>
    /// <value>Default: null.</value>
    public TimeSpan? RecoveryTimeout { get; set; }

    /// <summary>Successful trials that close the breaker: at least 1.</summary>
    /// <value>Default: null.</value>
    public int? SuccessThreshold { get; set; }

    /// <summary>Trials let through at once while half open: at least 1.</summary>
    /// <value>Default: null.</value>
    public int? HalfOpenTrials { get; set; }

    internal CircuitBreakerSettings ToSettings() => new()
    {
        FailureThreshold = FailureThreshold,
        RecoveryTimeout = RecoveryTimeout,
        SuccessThreshold = SuccessThreshold,
        HalfOpenTrials = HalfOpenTrials,
    };
}
