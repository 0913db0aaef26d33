using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>The state of a circuit breaker. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<CircuitBreakerState>))]
public enum CircuitBreakerState
{
    /// <summary>Healthy: work flows.</summary>
    Closed,

    /// <summary>Broken off: no work until the recovery time has passed.</summary>
    Open,

    /// <summary>On trial: a limited number of tasks decide whether it closes or opens again.</summary>
    HalfOpen,
}
