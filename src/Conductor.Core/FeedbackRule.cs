using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Which phase's feedback sends a workflow back, where to, and how often. Immutable.</summary>
public sealed record FeedbackRule : ExtensibleRecord
{
    /// <summary>The phase whose feedback counts.</summary>
    public required WorkflowPhase From { get; init; }

    /// <summary>The phase it sends the workflow back to; not after <see cref="From"/>.</summary>
    public required WorkflowPhase To { get; init; }

    /// <summary>How often at most; 0 turns the loop off. Default: null, the engine's setting (3).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaxRounds { get; init; }

    /// <summary>The least severity that sends it back. Default: null, the engine's setting (error).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FeedbackSeverity? MinSeverity { get; init; }

    /// <summary>What happens at the limit with feedback still coming. Default: null, the engine's setting (fail).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FeedbackLimitAction? AtLimit { get; init; }
}
