using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What is done about an error. Its wire names are snake_case.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<ErrorAction>))]
public enum ErrorAction
{
    /// <summary>A transient error: try again after a backoff.</summary>
    Retry,

    /// <summary>Not retryable: published on <c>conductor:errors</c> for human attention.</summary>
    Escalate,

    /// <summary>Retries exhausted, or the circuit is open: kept as a dead letter.</summary>
    DeadLetter,

    /// <summary>Not critical: the workflow goes on without it.</summary>
    Skip,
}
