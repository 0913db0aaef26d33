using Conductor;

namespace ReleasePipeline.Display;

/// <summary>One task in one round, as it stands. Immutable.</summary>
internal sealed record TaskLine
{
    /// <summary>The round.</summary>
    public required int Round { get; init; }

    /// <summary>The phase.</summary>
    public required WorkflowPhase Phase { get; init; }

    /// <summary>The task.</summary>
    public required string TaskId { get; init; }

    /// <summary>How it stands.</summary>
    public required AgentTaskStatus Status { get; init; }

    /// <summary>Attempts made, once it ended.</summary>
    public int Attempts { get; init; }

    /// <summary>How long it took, once it ended.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>What it does, or did, in a few words.</summary>
    public string Note { get; init; } = "";
}
