using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>A task on its way to an agent, with everything its attempt needs. Immutable.</summary>
public sealed record TaskAssignment : MessagePayload
{
    /// <summary>The task.</summary>
    public required TaskDefinition Task { get; init; }

    /// <summary>The run it belongs to, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WorkflowId { get; init; }

    /// <summary>The phase of the run it runs in, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? Phase { get; init; }

    /// <summary>The feedback round; 0 is the first run through.</summary>
    public int Round { get; init; }

    /// <summary>The attempt; the first is 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The delivery; the first is 1. It grows when a process died while it ran the task, and counts apart from attempts.</summary>
    public int Delivery { get; init; } = 1;

    /// <summary>
    /// The key that stays the same over retries, redelivery and resume. Default: made of the run, the task (or the key its definition gives) and
    /// the round, whenever it is asked for: few tasks ever ask.
    /// </summary>
    public string IdempotencyKey { get => field ?? ExecutionKey.ToIdempotencyKey(Task?.IdempotencyKey); init; }

    /// <summary>The outputs of the tasks it depends on, by task id.</summary>
    public IReadOnlyDictionary<string, TaskData> DependencyOutputs { get; init => field = Snapshot.Of(value); } =
        Snapshot.NoMap<TaskData>();

    /// <summary>The findings that sent the run back, in a round after the first.</summary>
    public IReadOnlyList<Feedback> Feedback { get; init => field = Snapshot.Of(value); } = Snapshot.None<Feedback>();

    /// <summary>The dead letter that this is a replay of, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ReplayOf { get; init; }

    /// <summary>
    /// Whether outputs of tasks it depends on are missing because they are no longer kept: of a replay whose run is not in the store any more, or
    /// has no result of such a task. (A skipped task never had an output.)
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool LacksOutputs { get; init; }

    /// <summary>Names the execution.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ExecutionKey ExecutionKey => new(WorkflowId, Task?.Id ?? string.Empty, Round);
}
