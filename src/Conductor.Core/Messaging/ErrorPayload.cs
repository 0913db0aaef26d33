using System.Text.Json.Serialization;

namespace Conductor.Messaging;

/// <summary>An error for human attention, or a dead letter. Immutable.</summary>
public sealed record ErrorPayload : MessagePayload
{
    /// <summary>The error's code.</summary>
    public required string Code { get; init; }

    /// <summary>The error's message.</summary>
    public required string Message { get; init; }

    /// <summary>The agent it happened at, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgentId { get; init; }

    /// <summary>The task it happened to, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TaskId { get; init; }

    /// <summary>The run it happened in, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WorkflowId { get; init; }

    /// <summary>What was decided.</summary>
    public ErrorAction Action { get; init; }

    /// <summary>The dead letter kept for it, if one was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DeadLetterId { get; init; }
}
