namespace Conductor.State;

/// <summary>
/// An event of a run as it is kept: a value among others in one array, which the collector looks at once, and put together again when somebody
/// reads it. Nearly every event says one thing in one text, that of a task its id and that of the run itself a message; whatever says more is
/// kept as it is. Its run and its position are known from where it is kept. Immutable.
/// </summary>
internal readonly struct RetainedEvent
{
    /// <summary>The id of the task, the message of the run, or the event as it is.</summary>
    private readonly object? _subject;
    private readonly string? _agentId;
    private readonly WorkflowPhase _phase;
    private readonly long _utcTicks;
    private readonly TimeSpan _duration;
    private readonly int _round;
    private readonly ushort _attempts;
    private readonly byte _kind;

    /// <summary>The status of the task, or of the run; -1 for none.</summary>
    private readonly sbyte _status;

    /// <summary>Keeps any event.</summary>
    /// <param name="happening">The event.</param>
    /// <param name="workflowId">The run that keeps it.</param>
    /// <param name="position">The position at which it is kept.</param>
    public RetainedEvent(WorkflowEvent happening, string workflowId, long position)
        : this(
            happening.Kind,
            happening.TaskId ?? happening.Message,
            (int?)happening.TaskStatus ?? (int?)happening.WorkflowStatus,
            happening.Phase,
            happening.Round,
            happening.Timestamp)
    {
        _agentId = happening.AgentId;
        _duration = happening.Duration ?? TimeSpan.MinValue;
        _attempts = (ushort)happening.Attempts;

        // The offset by itself: times are equal whatever theirs is.
        if (happening.Timestamp.Offset != TimeSpan.Zero || ToEvent(workflowId, position) != happening)
        {
            _subject = happening;
        }
    }

    private RetainedEvent(WorkflowEventKind kind, string? text, int? status, WorkflowPhase? phase, int round, DateTimeOffset timestamp)
    {
        _kind = (byte)kind;
        _subject = text;
        _status = (sbyte)(status ?? -1);
        _phase = phase.GetValueOrDefault();
        _round = round;
        _utcTicks = timestamp.UtcTicks;
        _duration = TimeSpan.MinValue;
    }

    private RetainedEvent(TaskResult result, WorkflowPhase? phase, int round, DateTimeOffset timestamp)
        : this(WorkflowEventKind.TaskFinished, result.TaskId, (int)result.Status, phase, round, timestamp)
    {
        _agentId = result.AgentId;
        _duration = result.Duration;
        _attempts = (ushort)result.Attempts;
    }

    private bool IsOfTask => (WorkflowEventKind)_kind is WorkflowEventKind.TaskStarted or WorkflowEventKind.TaskFinished;

    /// <summary>A task was started.</summary>
    public static RetainedEvent Started(string taskId, WorkflowPhase? phase, int round, DateTimeOffset now) =>
        new(WorkflowEventKind.TaskStarted, taskId, (int)AgentTaskStatus.InProgress, phase, round, now);

    /// <summary>A task ended, with this result.</summary>
    public static RetainedEvent Finished(TaskResult result, WorkflowPhase? phase, int round, DateTimeOffset now, string workflowId, long position) =>
        new RetainedEvent(result, phase, round, now).With(result.Error, result.Attempts, workflowId, position);

    /// <summary>Something happened to the run itself.</summary>
    public static RetainedEvent OfRun(
        WorkflowEventKind kind, string? message, WorkflowStatus? status, TaskError? error, WorkflowPhase? phase, int round, DateTimeOffset now, string workflowId, long position) =>
        new RetainedEvent(kind, message, (int?)status, phase, round, now).With(error, attempts: 0, workflowId, position);

    /// <summary>The event.</summary>
    /// <param name="workflowId">The run that keeps it.</param>
    /// <param name="position">The position at which it is kept.</param>
    public WorkflowEvent ToEvent(string workflowId, long position) => _subject as WorkflowEvent ?? new WorkflowEvent
    {
        Position = position,
        WorkflowId = workflowId,
        Kind = (WorkflowEventKind)_kind,
        Timestamp = new DateTimeOffset(_utcTicks, TimeSpan.Zero),
        Phase = _phase.IsEmpty ? null : _phase,
        Round = _round,
        TaskId = IsOfTask ? (string?)_subject : null,
        AgentId = _agentId,
        TaskStatus = IsOfTask && _status >= 0 ? (AgentTaskStatus)_status : null,
        WorkflowStatus = !IsOfTask && _status >= 0 ? (WorkflowStatus)_status : null,
        Attempts = _attempts,
        Duration = _duration == TimeSpan.MinValue ? null : _duration,
        Message = IsOfTask ? null : (string?)_subject,
    };

    /// <summary>Adds what there is rarely and has no place of its own.</summary>
    private RetainedEvent With(TaskError? error, int attempts, string workflowId, long position) =>
        error is null && attempts == _attempts ? this : new(ToEvent(workflowId, position) with { Error = error, Attempts = attempts }, workflowId, position);
}
