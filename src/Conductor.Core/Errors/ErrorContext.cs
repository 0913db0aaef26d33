namespace Conductor.Errors;

/// <summary>Where an error happened: what the decision about it needs to know. Immutable.</summary>
public sealed record ErrorContext
{
    /// <summary>The context of an error that belongs to nothing in particular.</summary>
    public static ErrorContext None { get; } = new();

    /// <summary>The agent it happened at; null when none is to be held responsible.</summary>
    public string? AgentId { get; init; }

    /// <summary>The agent's type.</summary>
    public AgentType AgentType { get; init; }

    /// <summary>The task it happened to, if any.</summary>
    public TaskDefinition? Task { get; init; }

    /// <summary>The run it happened in, if any.</summary>
    public string? WorkflowId { get; init; }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }

    /// <summary>Attempts made so far; the first is 1. Default: 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Whether another agent of the type could take the task, so that an open circuit is no reason to give it up.</summary>
    public bool OtherAgentsAvailable { get; init; }

    /// <summary>What is left of the task's total deadline. Default: null, no limit.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>The whole idempotency key, round included.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The dead letter that is being replayed, if any.</summary>
    public string? ReplayOf { get; init; }

    /// <summary>Why a task that ran and was to run again can not: whatever the error, it is given up. Null for one that may.</summary>
    internal string? GivenUpBecause { get; init; }

    /// <summary>The id of the dead letter, should it become one: then a repetition after a crash replaces it. Null for a new one.</summary>
    internal string? LetterId { get; init; }

    /// <summary>Whether the agent's breaker counts it, if errors of its code count at all.</summary>
    internal bool IsFailureOfAgent { get; init; } = true;
}
