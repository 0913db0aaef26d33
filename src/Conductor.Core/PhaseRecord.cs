using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>One passage through a phase. Immutable.</summary>
public sealed record PhaseRecord : ExtensibleRecord
{
    /// <summary>The phase.</summary>
    public required WorkflowPhase Phase { get; init; }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended, if it did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>How it ended.</summary>
    public PhaseOutcome Outcome { get; init; }

    /// <summary>Tasks of the phase that completed.</summary>
    public int CompletedTasks { get; init; }

    /// <summary>Tasks of the phase that failed, blocked ones included.</summary>
    public int FailedTasks { get; init; }

    /// <summary>Optional tasks of the phase whose failure was skipped.</summary>
    public int SkippedTasks { get; init; }

    /// <summary>Why the gate did not let it pass, if so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; init; }
}
