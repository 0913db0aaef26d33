namespace Conductor;

/// <summary>A task of a run whose process died while the task was under way. Immutable.</summary>
public sealed record TaskRedelivery : ExtensibleRecord
{
    /// <summary>The task.</summary>
    public required string TaskId { get; init; }

    /// <summary>The feedback round it ran in.</summary>
    public int Round { get; init; }

    /// <summary>How often its process died. It is given up when that happens too often, see <c>WorkflowOptions.MaxCrashes</c>.</summary>
    public required int Crashes { get; init; }
}
