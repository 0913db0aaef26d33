using Conductor.Agents;

namespace Conductor.Testing;

/// <summary>An attempt as a <see cref="ScriptedAgent"/> saw it. Immutable.</summary>
public sealed record SeenTask
{
    /// <summary>The task.</summary>
    public required TaskDefinition Task { get; init; }

    /// <summary>The agent.</summary>
    public required string AgentId { get; init; }

    /// <summary>The attempt; the first is 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The feedback round; 0 is the first run through.</summary>
    public required int Round { get; init; }

    /// <summary>The run it belongs to, if any.</summary>
    public string? WorkflowId { get; init; }

    /// <summary>The key that stays the same over retries, redelivery and resume.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The outputs of the tasks it depends on, by task id.</summary>
    public required IReadOnlyDictionary<string, TaskData> Outputs { get; init; }

    /// <summary>The findings that sent the run back, in a round after the first.</summary>
    public required IReadOnlyList<Feedback> Feedback { get; init; }

    /// <summary>When it began, by the task's clock.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    internal static SeenTask Of(TaskContext task) => new()
    {
        Task = task.Task,
        AgentId = task.AgentId,
        Attempt = task.Attempt,
        Round = task.Round,
        WorkflowId = task.WorkflowId,
        IdempotencyKey = task.IdempotencyKey,
        Outputs = task.Outputs,
        Feedback = task.Feedback,
        StartedAt = task.TimeProvider.GetUtcNow(),
    };
}
