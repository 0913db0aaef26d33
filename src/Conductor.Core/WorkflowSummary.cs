using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>The part of a run's state that does not grow with its tasks: what lists show and what every transition rewrites. Immutable.</summary>
public sealed record WorkflowSummary : ExtensibleRecord
{
    /// <summary>The run's id.</summary>
    public required string WorkflowId { get; init; }

    /// <summary>The name of the definition it runs.</summary>
    public required string DefinitionName { get; init; }

    /// <summary>The version of the definition it runs.</summary>
    public string DefinitionVersion { get; init; } = "1";

    /// <summary>A hash of the definition's structure.</summary>
    public string DefinitionHash { get; init; } = string.Empty;

    /// <summary>Where it stands.</summary>
    public WorkflowStatus Status { get; init; }

    /// <summary>The phase it is in, or was in when it ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? CurrentPhase { get; init; }

    /// <summary>The feedback round it is in.</summary>
    public int Round { get; init; }

    /// <summary>How many tasks the definition has.</summary>
    public int TaskCount { get; init; }

    /// <summary>Why it failed, when it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskError? Error { get; init; }

    /// <summary>When it started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended, if it did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Version in the store.</summary>
    public long StoreVersion { get; init; }

    /// <summary>The user's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>True when it ended: completed, failed or cancelled.</summary>
    [JsonIgnore]
    public bool IsComplete => Status is WorkflowStatus.Completed or WorkflowStatus.Failed or WorkflowStatus.Cancelled;

    /// <summary>The whole state: this part, and the parts that grow.</summary>
    /// <param name="phaseHistory">Each phase it went through.</param>
    /// <param name="taskResults">The latest result of each finished task.</param>
    /// <param name="feedbackRounds">The feedback rounds.</param>
    /// <param name="errorLog">The error log.</param>
    /// <param name="participatingAgents">The agents that took part.</param>
    /// <param name="redeliveries">The tasks whose process died under them. Default: none.</param>
    public WorkflowState ToState(
        IReadOnlyList<PhaseRecord> phaseHistory,
        IReadOnlyDictionary<string, TaskResult> taskResults,
        IReadOnlyList<FeedbackRound> feedbackRounds,
        IReadOnlyList<WorkflowLogEntry> errorLog,
        IReadOnlyList<string> participatingAgents,
        IReadOnlyList<TaskRedelivery>? redeliveries = null) => new()
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
            PhaseHistory = phaseHistory,
            TaskResults = taskResults,
            FeedbackRounds = feedbackRounds,
            ErrorLog = errorLog,
            ParticipatingAgents = participatingAgents,
            Redeliveries = redeliveries ?? [],
            UnknownMembers = UnknownMembers,
        };
}
