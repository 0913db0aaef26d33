using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Retry settings of one task or one agent type; what is null is taken from the level above. Immutable.</summary>
public sealed record RetrySettings
{
    /// <summary>How often a failed attempt is tried again: 0 to 20.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxRetries { get; init; }

    /// <summary>The delay before the first retry.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? InitialDelay { get; init; }

    /// <summary>The longest delay, jitter included.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? MaxDelay { get; init; }

    /// <summary>What each delay is multiplied by to give the next: at least 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? BackoffMultiplier { get; init; }

    /// <summary>The largest share of a delay that is added at random: 0 to 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? JitterFactor { get; init; }

    /// <summary>The error codes that are retried.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? RetryableErrors { get; init => field = value is null ? null : Snapshot.Of(value); }
}
