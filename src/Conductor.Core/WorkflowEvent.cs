using System.Text;
using System.Text.Json.Serialization;

namespace Conductor;

/// <summary>Something that happened in a run, in the order it was committed. Immutable.</summary>
/// <remarks>A run keeps two for every task, so what is absent takes no place of its own: there is a value that stands for it.</remarks>
public sealed record WorkflowEvent : ExtensibleRecord
{
    private readonly WorkflowPhase _phase;
    private readonly sbyte _taskStatus = -1;
    private readonly sbyte _workflowStatus = -1;
    private readonly TimeSpan _duration = TimeSpan.MinValue;
    private readonly double _percent = double.NaN;

    /// <summary>Its place in the run's history: 1, 2, 3 and so on; 0 for progress, which has no place.</summary>
    public long Position { get; init; }

    /// <summary>The run.</summary>
    public required string WorkflowId { get; init; }

    /// <summary>What happened.</summary>
    public required WorkflowEventKind Kind { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The phase, if it concerns one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowPhase? Phase
    {
        get => _phase.IsEmpty ? null : _phase;
        init => _phase = value.GetValueOrDefault();
    }

    /// <summary>The feedback round.</summary>
    public int Round { get; init; }

    /// <summary>The task, if it concerns one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? TaskId { get; init; }

    /// <summary>The agent, if it concerns one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgentId { get; init; }

    /// <summary>The task's status, if it concerns a task.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AgentTaskStatus? TaskStatus
    {
        get => _taskStatus < 0 ? null : (AgentTaskStatus)_taskStatus;
        init => _taskStatus = (sbyte)(value ?? (AgentTaskStatus)(-1));
    }

    /// <summary>The run's status, if it concerns the run.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public WorkflowStatus? WorkflowStatus
    {
        get => _workflowStatus < 0 ? null : (WorkflowStatus)_workflowStatus;
        init => _workflowStatus = (sbyte)(value ?? (WorkflowStatus)(-1));
    }

    /// <summary>Attempts made, for a task that ended, or is tried again.</summary>
    public int Attempts { get; init; }

    /// <summary>How long the task took, for one that ended.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? Duration
    {
        get => _duration == TimeSpan.MinValue ? null : _duration;
        init => _duration = value ?? TimeSpan.MinValue;
    }

    /// <summary>0 to 100, for progress.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Percent
    {
        get => double.IsNaN(_percent) ? null : _percent;
        init => _percent = value ?? double.NaN;
    }

    /// <summary>What went wrong, if something did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TaskError? Error { get; init; }

    /// <summary>A text for people, if there is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    /// <summary>The event in one line, for people.</summary>
    public override string ToString()
    {
        var line = new StringBuilder();
        line.Append(Position == 0 ? "    -" : $"{Position,5}").Append("  ").Append(Kind);
        Append(line, Phase?.Name);
        Append(line, TaskId);
        Append(line, TaskStatus?.ToString());
        Append(line, WorkflowStatus?.ToString());
        Append(line, AgentId);
        Append(line, Percent is { } percent ? FormattableString.Invariant($"{percent:0}%") : null);
        Append(line, Round > 0 ? $"round {Round}" : null);
        Append(line, Error?.ToString());
        Append(line, Message);
        return line.ToString();
    }

    private static void Append(StringBuilder line, string? part)
    {
        if (part is not null)
        {
            line.Append("  ").Append(part);
        }
    }
}
