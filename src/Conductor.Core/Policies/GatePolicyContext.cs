namespace Conductor.Policies;

/// <summary>A phase about to let its workflow pass. Counts are of that phase alone. Immutable.</summary>
public sealed record GatePolicyContext : PolicyContext
{
    /// <summary>The phase.</summary>
    public required WorkflowPhase Phase { get; init; }

    /// <summary>The name of the workflow's definition.</summary>
    public string? DefinitionName { get; init; }

    /// <summary>Tasks that completed.</summary>
    public int CompletedTasks { get; init; }

    /// <summary>Tasks that failed, blocked ones included.</summary>
    public int FailedTasks { get; init; }

    /// <summary>Optional tasks whose failure was skipped: they count as neither.</summary>
    public int SkippedTasks { get; init; }

    /// <summary>Completed of completed and failed, 0 to 1; 1 when there were none.</summary>
    public double SuccessRate => CompletedTasks + FailedTasks == 0 ? 1.0 : (double)CompletedTasks / (CompletedTasks + FailedTasks);
}
