namespace Conductor.State;

/// <summary>
/// A result as it is kept. Of one outside runs that says nothing beside what every result does, only its output and its texts stay alive, and
/// the result is put together again when somebody asks for it: the collector copies what is kept for long, and every object of it. Any other is
/// kept as it is. Immutable.
/// </summary>
internal readonly struct RetainedResult
{
    /// <summary>The output, or the result itself.</summary>
    private readonly object _body;
    private readonly string? _agentId;
    private readonly long _completedAt;
    private readonly TimeSpan _duration;
    private readonly int _attempts;
    private readonly AgentTaskStatus _status;

    public RetainedResult(in ResultKey key, TaskResult result)
    {
        Key = key;
        _body = IsPlain(result) ? result.Output : result;
        _agentId = result.AgentId;
        _completedAt = result.CompletedAt.UtcTicks;
        _duration = result.Duration;
        _attempts = result.Attempts;
        _status = result.Status;
    }

    /// <summary>The execution.</summary>
    public ResultKey Key { get; }

    /// <summary>The result.</summary>
    public TaskResult ToResult()
    {
        if (_body is TaskResult whole)
        {
            return whole;
        }

        var completedAt = new DateTimeOffset(_completedAt, TimeSpan.Zero);
        return new TaskResult
        {
            TaskId = Key.TaskId,
            AgentId = _agentId,
            Status = _status,
            Output = (TaskData)_body,
            Attempts = _attempts,
            StartedAt = completedAt - _duration,
            CompletedAt = completedAt,
            Duration = _duration,
        };
    }

    private static bool IsPlain(TaskResult result) =>
        result is { WorkflowId: null, Round: 0, Error: null, Feedback: null, Metadata.Count: 0, UnknownMembers: null }
        && result.StartedAt.Offset == TimeSpan.Zero
        && result.CompletedAt.Offset == TimeSpan.Zero
        && result.StartedAt == result.CompletedAt - result.Duration;
}
