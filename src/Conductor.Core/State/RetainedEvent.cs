namespace Conductor.State;

/// <summary>
/// An event of a run as it is kept. The two that every task has say little that is not kept anyway: that a task was started is its id and a time,
/// that it ended is its result and a time. They are put together again when somebody reads them; a run of many tasks so keeps half as much, in one
/// array that the collector looks at once. Any other event is kept as it is. Immutable.
/// </summary>
internal readonly struct RetainedEvent
{
    /// <summary>The id of the task that was started, the result of the one that ended, or the event itself.</summary>
    private readonly object _subject;
    private readonly WorkflowPhase _phase;
    private readonly long _utcTicks;
    private readonly int _round;

    /// <summary>Keeps an event.</summary>
    /// <param name="happening">The event.</param>
    /// <param name="workflowId">The run that keeps it.</param>
    /// <param name="result">The result that the run has of the event's task in the event's round, if it has one.</param>
    public RetainedEvent(WorkflowEvent happening, string workflowId, TaskResult? result)
    {
        Position = happening.Position;
        _phase = happening.Phase.GetValueOrDefault();
        _utcTicks = happening.Timestamp.UtcTicks;
        _round = happening.Round;
        _subject = !IsPlain(happening, workflowId) ? happening
            : IsStart(happening) ? happening.TaskId!
            : result is not null && IsEndWith(happening, result) ? result
            : happening;
    }

    /// <summary>Its place in the run's history.</summary>
    public long Position { get; }

    /// <summary>The event.</summary>
    /// <param name="workflowId">The run that keeps it.</param>
    public WorkflowEvent ToEvent(string workflowId) => _subject switch
    {
        string taskId => new WorkflowEvent
        {
            Position = Position,
            WorkflowId = workflowId,
            Kind = WorkflowEventKind.TaskStarted,
            Timestamp = new DateTimeOffset(_utcTicks, TimeSpan.Zero),
            Phase = _phase,
            Round = _round,
            TaskId = taskId,
            TaskStatus = AgentTaskStatus.InProgress,
        },
        TaskResult result => new WorkflowEvent
        {
            Position = Position,
            WorkflowId = workflowId,
            Kind = WorkflowEventKind.TaskFinished,
            Timestamp = new DateTimeOffset(_utcTicks, TimeSpan.Zero),
            Phase = _phase,
            Round = _round,
            TaskId = result.TaskId,
            AgentId = result.AgentId,
            TaskStatus = result.Status,
            Attempts = result.Attempts,
            Duration = result.Duration,
            Error = result.Error,
        },
        _ => (WorkflowEvent)_subject,
    };

    /// <summary>Whether it has nothing beside what events of tasks have.</summary>
    private static bool IsPlain(WorkflowEvent happening, string workflowId) =>
        happening is { WorkflowStatus: null, Percent: null, Message: null, UnknownMembers: null }
        && happening.WorkflowId == workflowId
        && happening.Timestamp.Offset == TimeSpan.Zero;

    private static bool IsStart(WorkflowEvent happening) => happening is
    {
        Kind: WorkflowEventKind.TaskStarted,
        TaskId: not null,
        TaskStatus: AgentTaskStatus.InProgress,
        AgentId: null,
        Attempts: 0,
        Duration: null,
        Error: null,
    };

    private static bool IsEndWith(WorkflowEvent happening, TaskResult result) =>
        happening.Kind == WorkflowEventKind.TaskFinished
        && happening.TaskId == result.TaskId
        && happening.AgentId == result.AgentId
        && happening.TaskStatus == result.Status
        && happening.Attempts == result.Attempts
        && happening.Duration == result.Duration
        && ReferenceEquals(happening.Error, result.Error);
}
