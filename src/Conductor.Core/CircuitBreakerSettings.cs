using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Circuit breaker settings of one task or one agent type; what is null is taken from the level above. Immutable.</summary>
public sealed record CircuitBreakerSettings
{
    /// <summary>Consecutive failures that open the breaker: at least 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FailureThreshold { get; init; }

    /// <summary>Time after the last failure until trials begin.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? RecoveryTimeout { get; init; }

    /// <summary>Successful trials that close the breaker: at least 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SuccessThreshold { get; init; }

    /// <summary>Trials let through at once while half open: at least 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? HalfOpenTrials { get; init; }
}
