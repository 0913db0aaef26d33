using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>
/// A snapshot of an agent. It holds counts, not lists of ids, so that an agent which lives for a year does not grow. Immutable.
/// </summary>
public sealed record AgentState : ExtensibleRecord
{
    /// <summary>The agent's id.</summary>
    public required string AgentId { get; init; }

    /// <summary>The agent's type.</summary>
    public required AgentType AgentType { get; init; }

    /// <summary>What it was doing.</summary>
    public AgentStatus Status { get; init; }

    /// <summary>The id of the task it was running, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CurrentTaskId { get; init; }

    /// <summary>Tasks completed since it was registered.</summary>
    public long CompletedTasks { get; init; }

    /// <summary>Tasks failed since it was registered.</summary>
    public long FailedTasks { get; init; }

    /// <summary>Errors of any kind, failed attempts that were retried included.</summary>
    public long ErrorCount { get; init; }

    /// <summary>When it last gave a sign of life.</summary>
    public DateTimeOffset LastHeartbeatAt { get; init; }

    /// <summary>When it was registered.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this snapshot was taken.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Version in the store, given by the store: 0 when not yet saved.</summary>
    public long StoreVersion { get; init; }

    /// <summary>The user's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>True only when idle.</summary>
    [JsonIgnore]
    public bool IsAvailable => Status == AgentStatus.Idle;

    /// <summary>Completed and failed tasks together.</summary>
    [JsonIgnore]
    public long TotalTasks => CompletedTasks + FailedTasks;

    /// <summary>Completed of all finished tasks, 0 to 1; 1 when there were none.</summary>
    [JsonIgnore]
    public double SuccessRate => (CompletedTasks, FailedTasks) == (0, 0) ? 1.0 : CompletedTasks / ((double)CompletedTasks + FailedTasks);
}
