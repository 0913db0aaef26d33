using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>A dead letter: a task that was given up, with what is needed to look into it and to run it again. Immutable.</summary>
public sealed record ErrorRecord : ExtensibleRecord
{
    /// <summary>The record's own id, by which it is replayed.</summary>
    public required string Id { get; init; }

    /// <summary>The error's code.</summary>
    public required string Code { get; init; }

    /// <summary>The error's message.</summary>
    public required string Message { get; init; }

    /// <summary>Where it happened: agent, agent type, run, round and the like, as text.</summary>
    public IReadOnlyDictionary<string, string> Context { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>When it was given up.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>Retries made before it was given up.</summary>
    public int RetryCount { get; init; }

    /// <summary>The task itself, so that it can be replayed; null for an error that belongs to no task.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskDefinition? Task { get; init; }

    /// <summary>The run it belonged to, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WorkflowId { get; init; }

    /// <summary>The feedback round it ran in.</summary>
    public int Round { get; init; }

    /// <summary>The whole idempotency key, round included: a replay runs under the same.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IdempotencyKey { get; init; }

    /// <summary>The dead letter that this one is a failed replay of, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReplayOf { get; init; }
}
