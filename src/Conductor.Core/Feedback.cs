using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What an agent found and sends back: the loop from monitoring to development. Immutable.</summary>
public sealed record Feedback : ExtensibleRecord
{
    /// <summary>The agent that found it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SourceAgentId { get; init; }

    /// <summary>How grave it is; at or above the threshold of the feedback rule it sends the workflow back.</summary>
    public required FeedbackSeverity Severity { get; init; }

    /// <summary>What was found, a line each.</summary>
    public IReadOnlyList<string> Findings { get; init => field = Snapshot.Of(value); } = Snapshot.None<string>();

    /// <summary>What to do about it, a line each.</summary>
    public IReadOnlyList<string> Recommendations { get; init => field = Snapshot.Of(value); } = Snapshot.None<string>();

    /// <summary>Ids of the tasks it concerns: they, what depends on them and the later phases run again. Empty: the whole phase.</summary>
    public IReadOnlyList<string> AffectedTaskIds { get; init => field = Snapshot.Of(value); } = Snapshot.None<string>();

    /// <summary>Measured values, by name; a rate of nothing (NaN) and infinity are such, too, and are written to JSON by these names.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public IReadOnlyDictionary<string, double> Metrics { get; init => field = Snapshot.Of(value); } = Snapshot.NoMap<double>();
}
