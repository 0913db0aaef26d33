namespace Conductor.State;

/// <summary>
/// A result outside runs as it is kept. Of one that says nothing beside what every result does, only its output and its texts stay alive, and
/// the result is put together again when somebody asks for it: the collector copies what is kept for long, and every object of it. Any other is
/// kept as it is. Immutable.
/// </summary>
internal readonly struct RetainedResult
{
    /// <summary>The output, or the result itself.</summary>
    private readonly object _body;
    private readonly string _taskId;
    private readonly string? _agentId;
    private readonly long _startedAt;
    private readonly long _completedAt;
    private readonly TimeSpan _duration;
    private readonly int _attempts;
    private readonly AgentTaskStatus _status;

    public RetainedResult(TaskResult result)
    {
        _body = IsPlain(result) ? result.Output : result;
        _taskId = result.TaskId;
        _agentId = result.AgentId;
        _startedAt = result.StartedAt.UtcTicks;
        _completedAt = result.CompletedAt.UtcTicks;
        _duration = result.Duration;
        _attempts = result.Attempts;
        _status = result.Status;
    }

    /// <summary>The execution.</summary>
    public ExecutionKey Key => _body is TaskResult result ? KeyOf(result) : new ExecutionKey(null, _taskId, 0);

    public static ExecutionKey KeyOf(TaskResult result) => new(result.WorkflowId, result.TaskId, result.Round);

    /// <summary>The result.</summary>
    public TaskResult ToResult() => _body as TaskResult ?? new TaskResult
    {
        TaskId = _taskId,
        AgentId = _agentId,
        Status = _status,
        Output = (TaskData)_body,
        Attempts = _attempts,
        StartedAt = new DateTimeOffset(_startedAt, TimeSpan.Zero),
        CompletedAt = new DateTimeOffset(_completedAt, TimeSpan.Zero),
        Duration = _duration,
    };

    private static bool IsPlain(TaskResult result) =>
        result is { WorkflowId: null, Round: 0, Error: null, Feedback: null, Metadata.Count: 0, UnknownMembers: null }
        && result.StartedAt.Offset == TimeSpan.Zero
        && result.CompletedAt.Offset == TimeSpan.Zero;
}
