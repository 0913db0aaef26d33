namespace Conductor.State;

/// <summary>
/// A result within a run as it is kept. Of one that says nothing beside what every result does, only its output and its agent's id stay alive, and
/// the result is put together again when somebody asks for it. Any other is kept as it is. Its run and its task are known from where it is kept.
/// Immutable; <c>default</c> is no result.
/// </summary>
internal readonly struct PackedResult
{
    /// <summary>The output, or the result itself.</summary>
    private readonly object? _body;
    private readonly string? _agentId;
    private readonly long _startedAt;
    private readonly long _completedAt;
    private readonly TimeSpan _duration;
    private readonly int _attempts;
    private readonly AgentTaskStatus _status;

    public PackedResult(TaskResult result, string workflowId, string taskId)
    {
        _body = IsPlain(result, workflowId, taskId) ? result.Output : result;
        _agentId = result.AgentId;
        _startedAt = result.StartedAt.UtcTicks;
        _completedAt = result.CompletedAt.UtcTicks;
        _duration = result.Duration;
        _attempts = result.Attempts;
        _status = result.Status;
        Round = result.Round;
    }

    public bool IsEmpty => _body is null;

    /// <summary>The feedback round it is of.</summary>
    public int Round { get; }

    /// <summary>The result.</summary>
    /// <param name="workflowId">The run that keeps it.</param>
    /// <param name="taskId">The task for which it is kept.</param>
    public TaskResult ToResult(string workflowId, string taskId) => _body as TaskResult ?? new TaskResult
    {
        TaskId = taskId,
        WorkflowId = workflowId,
        Round = Round,
        AgentId = _agentId,
        Status = _status,
        Output = (TaskData)_body!,
        Attempts = _attempts,
        StartedAt = new DateTimeOffset(_startedAt, TimeSpan.Zero),
        CompletedAt = new DateTimeOffset(_completedAt, TimeSpan.Zero),
        Duration = _duration,
    };

    private static bool IsPlain(TaskResult result, string workflowId, string taskId) =>
        result is { Error: null, Feedback: null, Metadata.Count: 0, UnknownMembers: null }
        && result.WorkflowId == workflowId
        && result.TaskId == taskId
        && result.StartedAt.Offset == TimeSpan.Zero
        && result.CompletedAt.Offset == TimeSpan.Zero;
}
