namespace Conductor.State;

/// <summary>
/// One step of a run, committed whole or not at all: what changed, not the document, so that its cost depends on what changed and not on
/// how many tasks the run has. Immutable.
/// </summary>
public sealed record WorkflowTransition
{
    /// <summary>The part of the state that every step rewrites; its store version is ignored.</summary>
    public required WorkflowSummary Summary { get; init; }

    /// <summary>The version the run must still have; 0 creates it.</summary>
    public required long ExpectedVersion { get; init; }

    /// <summary>The lease under which the step is made. When given, a lease that was lost fails the step with LEASE_LOST.</summary>
    public Lease? Lease { get; init; }

    /// <summary>The definition, when the run is created or goes on with another one.</summary>
    public WorkflowDefinition? Definition { get; init; }

    /// <summary>
    /// Names the step, so that repeating it is safe when its outcome is unknown: a store that has it committed already answers with the
    /// version it gave. Default: null, it cannot be repeated.
    /// </summary>
    public string? OperationId { get; init; }

    /// <summary>
    /// Results of tasks that ended. The first of a task and round stands: where it was reopened, and no other round's counts, it counts again.
    /// </summary>
    public IReadOnlyList<TaskResult> Results { get; init; } = [];

    /// <summary>Passages through phases that began or ended: one of the same phase and round is replaced.</summary>
    public IReadOnlyList<PhaseRecord> Phases { get; init; } = [];

    /// <summary>Feedback rounds that began.</summary>
    public IReadOnlyList<FeedbackRound> FeedbackRounds { get; init; } = [];

    /// <summary>
    /// Ids of tasks whose results no longer count, because they run again in this round or the definition lacks them: they are no longer in the
    /// state, and still found under their rounds.
    /// </summary>
    public IReadOnlyList<string> ReopenedTaskIds { get; init; } = [];

    /// <summary>Tasks whose process died while they were under way: one of the same task and round is replaced.</summary>
    public IReadOnlyList<TaskRedelivery> Redeliveries { get; init; } = [];

    /// <summary>New lines of the error log.</summary>
    public IReadOnlyList<WorkflowLogEntry> Log { get; init; } = [];

    /// <summary>Agents that took part for the first time.</summary>
    public IReadOnlyList<string> NewAgents { get; init; } = [];

    /// <summary>The happenings, in order, with their positions.</summary>
    public IReadOnlyList<WorkflowEvent> Events { get; init; } = [];
}
