using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>A line of a run's error log. Immutable.</summary>
public sealed record WorkflowLogEntry : ExtensibleRecord
{
    /// <summary>When it was written.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>How grave it is.</summary>
    public FeedbackSeverity Severity { get; init; } = FeedbackSeverity.Error;

    /// <summary>What went wrong.</summary>
    public required TaskError Error { get; init; }

    /// <summary>The task it concerns, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TaskId { get; init; }

    /// <summary>The phase it happened in, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? Phase { get; init; }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }
}
