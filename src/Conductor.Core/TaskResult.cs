using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>What became of a task: recorded once, and the recorded one is what everybody sees. Immutable.</summary>
public sealed record TaskResult : ExtensibleRecord
{
    private LazyId _taskId;

    /// <summary>Makes a result.</summary>
    public TaskResult()
    {
    }

    /// <summary>Makes the result of a task whose id need not be text.</summary>
    [SetsRequiredMembers]
#pragma warning disable CS8618 // The compiler does not see that TaskId is set with its field.
    internal TaskResult(LazyId taskId, AgentTaskStatus status) => (_taskId, Status) = (taskId, status);
#pragma warning restore CS8618

    /// <summary>The task's id.</summary>
    public required string TaskId
    {
        get => _taskId.Text!;
        init => _taskId = new LazyId(value);
    }

    /// <summary>The task's id, for whoever does not need it as text.</summary>
    internal LazyId LazyTaskId => _taskId;

    /// <summary>The run it belongs to, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? WorkflowId { get; init; }

    /// <summary>The feedback round it ran in; 0 is the first run through.</summary>
    public int Round { get; init; }

    /// <summary>The agent of the last attempt; null when it never ran.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgentId { get; init; }

    /// <summary>How it ended.</summary>
    public required AgentTaskStatus Status { get; init; }

    /// <summary>What the agent gave out. Default: empty.</summary>
    public TaskData Output { get; init; } = TaskData.Empty;

    /// <summary>What went wrong, unless it completed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskError? Error { get; init; }

    /// <summary>Attempts made; the first counts as one, 0 means it never ran.</summary>
    public int Attempts { get; init; }

    /// <summary>What the agent found and sends back, if anything.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Feedback? Feedback { get; init; }

    /// <summary>When the first attempt began, or when it was given up if none did.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset CompletedAt { get; init; }

    /// <summary>The time from the first attempt's begin to the end, by a monotonic clock.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The agent's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>True when it completed.</summary>
    [JsonIgnore]
    public bool IsSuccess => Status == AgentTaskStatus.Completed;

    /// <summary>Throws unless the task completed.</summary>
    /// <returns>This result.</returns>
    /// <exception cref="TaskFailedException">It did not; the exception carries the error's code and this result.</exception>
    public TaskResult EnsureSucceeded() => IsSuccess ? this : throw new TaskFailedException(this);
}
