namespace Conductor.Workflows;

/// <summary>A run in progress that is to go on with another definition: what the function that decides about it gets. Immutable.</summary>
public sealed record WorkflowMigration
{
    /// <summary>The run as it stands: its results, rounds and phase.</summary>
    public required WorkflowState State { get; init; }

    /// <summary>The definition it was started with.</summary>
    public required WorkflowDefinition From { get; init; }

    /// <summary>The definition that the caller has now.</summary>
    public required WorkflowDefinition To { get; init; }

    /// <summary>What is different, a line each.</summary>
    public required IReadOnlyList<string> Differences { get; init => field = Snapshot.Of(value); }
}
