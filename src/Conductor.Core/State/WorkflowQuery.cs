namespace Conductor.State;

/// <summary>Which runs to list: those that meet everything that is set, the youngest first. Immutable.</summary>
public sealed record WorkflowQuery
{
    /// <summary>Only runs of this status.</summary>
    public WorkflowStatus? Status { get; init; }

    /// <summary>Only runs of definitions of this name.</summary>
    public string? DefinitionName { get; init; }

    /// <summary>Only runs started before this moment.</summary>
    public DateTimeOffset? StartedBefore { get; init; }

    /// <summary>Only runs started at this moment or later.</summary>
    public DateTimeOffset? StartedSince { get; init; }

    /// <summary>Which page. Default: the first, of 100.</summary>
    public PageRequest Page { get; init => field = value ?? PageRequest.First; } = PageRequest.First;

    /// <summary>Whether a run meets the query.</summary>
    /// <param name="run">The run.</param>
    public bool Matches(WorkflowSummary run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return (Status is null || run.Status == Status)
            && (DefinitionName is null || string.Equals(run.DefinitionName, DefinitionName, StringComparison.Ordinal))
            && (StartedBefore is null || run.StartedAt < StartedBefore)
            && (StartedSince is null || run.StartedAt >= StartedSince);
    }
}
