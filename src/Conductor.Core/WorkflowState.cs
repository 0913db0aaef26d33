using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>A snapshot of one run of a workflow. Immutable.</summary>
public sealed record WorkflowState : ExtensibleRecord
{
    /// <summary>The run's id (the contract's workflow id): one definition can run many times.</summary>
    public required string WorkflowId { get; init; }

    /// <summary>The name of the definition it runs.</summary>
    public required string DefinitionName { get; init; }

    /// <summary>The version of the definition it runs.</summary>
    public string DefinitionVersion { get; init; } = "1";

    /// <summary>A hash of the definition's structure, by which a changed definition is noticed.</summary>
    public string DefinitionHash { get; init; } = string.Empty;

    /// <summary>Where it stands.</summary>
    public WorkflowStatus Status { get; init; }

    /// <summary>The phase it is in, or was in when it ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? CurrentPhase { get; init; }

    /// <summary>The feedback round it is in; 0 is the first run through.</summary>
    public int Round { get; init; }

    /// <summary>How many tasks the definition has.</summary>
    public int TaskCount { get; init; }

    /// <summary>Each phase it went through, in order, round by round.</summary>
    public IReadOnlyList<PhaseRecord> PhaseHistory { get; init => field = Snapshot.Of(value); } = Snapshot.None<PhaseRecord>();

    /// <summary>The latest result of each finished task, by task id.</summary>
    public IReadOnlyDictionary<string, TaskResult> TaskResults { get; init => field = Snapshot.Of(value); } =
        Snapshot.NoMap<TaskResult>();

    /// <summary>The feedback rounds, in order, with the findings that caused them.</summary>
    public IReadOnlyList<FeedbackRound> FeedbackRounds { get; init => field = Snapshot.Of(value); } = Snapshot.None<FeedbackRound>();

    /// <summary>Why it failed, when it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskError? Error { get; init; }

    /// <summary>
    /// What went wrong or deserves a warning, in order: errors of tasks as they ended, gates, feedback. (Attempts that failed and were followed by
    /// others are in the log of the program, and a result says how many there were.)
    /// </summary>
    public IReadOnlyList<WorkflowLogEntry> ErrorLog { get; init => field = Snapshot.Of(value); } = Snapshot.None<WorkflowLogEntry>();

    /// <summary>Ids of the agents that took part, in the order they joined.</summary>
    public IReadOnlyList<string> ParticipatingAgents { get; init => field = Snapshot.Of(value); } = Snapshot.None<string>();

    /// <summary>Tasks whose process died while they were under way, in the order that was noticed.</summary>
    public IReadOnlyList<TaskRedelivery> Redeliveries { get; init => field = Snapshot.Of(value); } = Snapshot.None<TaskRedelivery>();

    /// <summary>When it started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended, if it did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Version in the store, for optimistic concurrency: 0 when not yet saved.</summary>
    public long StoreVersion { get; init; }

    /// <summary>The user's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>True while it is in progress.</summary>
    [JsonIgnore]
    public bool IsRunning => Status == WorkflowStatus.InProgress;

    /// <summary>True when it ended: completed, failed or cancelled.</summary>
    [JsonIgnore]
    public bool IsComplete => Status is WorkflowStatus.Completed or WorkflowStatus.Failed or WorkflowStatus.Cancelled;

    /// <summary>
    /// The time from start to end, or null while it runs. Zero where it ended before it started: the clock of the process that ended it was behind.
    /// </summary>
    [JsonIgnore]
    public TimeSpan? Duration => Between(StartedAt, CompletedAt);

    /// <summary>Tasks whose latest result is completed.</summary>
    [JsonIgnore]
    public int CompletedTasks => TaskResults.Values.Count(result => result.Status == AgentTaskStatus.Completed);

    /// <summary>Tasks whose latest result is failed or blocked.</summary>
    [JsonIgnore]
    public int FailedTasks => TaskResults.Values.Count(result => result.Status is AgentTaskStatus.Failed or AgentTaskStatus.Blocked);

    /// <summary>Optional tasks whose failure was skipped.</summary>
    [JsonIgnore]
    public int SkippedTasks => TaskResults.Values.Count(result => result.Status == AgentTaskStatus.Skipped);

    /// <summary>The part of the state that does not grow with its tasks.</summary>
    public WorkflowSummary ToSummary() => new()
    {
        WorkflowId = WorkflowId,
        DefinitionName = DefinitionName,
        DefinitionVersion = DefinitionVersion,
        DefinitionHash = DefinitionHash,
        Status = Status,
        CurrentPhase = CurrentPhase,
        Round = Round,
        TaskCount = TaskCount,
        Error = Error,
        StartedAt = StartedAt,
        CompletedAt = CompletedAt,
        StoreVersion = StoreVersion,
        Metadata = Metadata,
        UnknownMembers = UnknownMembers,
    };

    /// <summary>Throws unless the run completed.</summary>
    /// <returns>This state.</returns>
    /// <exception cref="WorkflowFailedException">It failed, was cancelled or has not ended; the exception carries this state.</exception>
    public WorkflowState EnsureCompleted() => Status == WorkflowStatus.Completed ? this : throw new WorkflowFailedException(this);

    /// <summary>How long a run took, whose last owner's clock may have been behind that of its first.</summary>
    internal static TimeSpan? Between(DateTimeOffset startedAt, DateTimeOffset? completedAt) =>
        completedAt < startedAt ? TimeSpan.Zero : completedAt - startedAt;
}
