using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>An agent's status or progress. May be lost. Immutable.</summary>
public sealed record StatusUpdate : MessagePayload
{
    /// <summary>The agent.</summary>
    public required string AgentId { get; init; }

    /// <summary>Its status.</summary>
    public AgentStatus Status { get; init; }

    /// <summary>The task it is about, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TaskId { get; init; }

    /// <summary>The phase it runs in, inside a run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? Phase { get; init; }

    /// <summary>The feedback round, inside a run.</summary>
    public int Round { get; init; }

    /// <summary>How far the task is: 0 to 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to something else.</exception>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Progress
    {
        get;
        init => field = value is null or (>= 0 and <= 100)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Progress is a number from 0 to 100, or null where there is none.");
    }

    /// <summary>A text for people.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }
}
