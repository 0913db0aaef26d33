using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Tests.Serialization;

/// <summary>One of each record, every member set.</summary>
internal static class Samples
{
    private static readonly DateTimeOffset _at = new(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
    private static readonly TimeSpan _span = TimeSpan.FromMilliseconds(1234.5);
    private static readonly Dictionary<string, string> _notes = new() { ["nöte"] = "välue \"quoted\"\n", ["CamelKey"] = "kept" };

    private static readonly TaskError _error = new() { Code = "CODE", Message = "m", Type = "T", IsTransient = true, RetryAfter = _span };

    private static readonly Feedback _feedback = new()
    {
        SourceAgentId = "a", Severity = FeedbackSeverity.Critical, Findings = ["f1", "f2"], Recommendations = ["r"], AffectedTaskIds = ["t"],
        Metrics = new Dictionary<string, double> { ["latency"] = 1.5 },
    };

    private static readonly RetrySettings _retry = new()
    {
        MaxRetries = 2, InitialDelay = _span, MaxDelay = _span, BackoffMultiplier = 1.5, JitterFactor = 0.25, RetryableErrors = ["A", "B"],
    };

    private static readonly CircuitBreakerSettings _breaker = new() { FailureThreshold = 2, RecoveryTimeout = _span, SuccessThreshold = 3, HalfOpenTrials = 4 };

    private static readonly TaskDefinition _task = new()
    {
        Id = "t", Name = "n", Description = "d", AgentType = AgentType.TestData, Phase = new WorkflowPhase("own"), Priority = TaskPriority.Critical,
        Input = TaskData.From(new[] { 1, 2 }), Timeout = _span, Deadline = _span, DependsOn = ["a", "b"], Optional = true, IdempotencyKey = "k",
        Retry = _retry, CircuitBreaker = _breaker, CreatedAt = _at, Metadata = _notes,
    };

    private static readonly TaskResult _result = new()
    {
        TaskId = "t", WorkflowId = "r", Round = 2, AgentId = "a", Status = AgentTaskStatus.InProgress, Output = "out", Error = _error, Attempts = 3,
        Feedback = _feedback, StartedAt = _at, CompletedAt = _at.AddSeconds(1), Duration = _span, Metadata = _notes,
    };

    private static readonly PhaseRecord _phase = new()
    {
        Phase = WorkflowPhase.DevOps, Round = 1, StartedAt = _at, CompletedAt = _at, Outcome = PhaseOutcome.SentBack, CompletedTasks = 1, FailedTasks = 2,
        SkippedTasks = 3, Reason = "why",
    };

    private static readonly FeedbackRound _round = new()
    {
        Round = 1, From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, Feedback = [_feedback], StartedAt = _at,
    };

    private static readonly FeedbackRule _rule = new()
    {
        From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, MaxRounds = 2, MinSeverity = FeedbackSeverity.Warning,
        AtLimit = FeedbackLimitAction.Continue,
    };

    private static readonly WorkflowLogEntry _log = new()
    {
        Timestamp = _at, Severity = FeedbackSeverity.Warning, Error = _error, TaskId = "t", Phase = WorkflowPhase.DevOps, Round = 1,
    };

    private static readonly TaskRedelivery _redelivery = new() { TaskId = "t", Round = 1, Crashes = 2 };

    private static readonly WorkflowState _state = new()
    {
        WorkflowId = "r", DefinitionName = "d", DefinitionVersion = "2", DefinitionHash = "h", Status = WorkflowStatus.InProgress,
        CurrentPhase =
            WorkflowPhase.Monitoring, Round = 1, TaskCount = 5, PhaseHistory = [_phase], TaskResults = new Dictionary<string, TaskResult> { ["T1"] = _result },
        FeedbackRounds = [_round], Error = _error, ErrorLog = [_log], ParticipatingAgents = ["a",
            "b"], Redeliveries = [_redelivery], StartedAt = _at, CompletedAt = _at, StoreVersion = 9,
        Metadata = _notes,
    };

    private static readonly ErrorRecord _letter = new()
    {
        Id = "e", Code = "CODE", Message = "m", Context = _notes, Timestamp = _at, RetryCount = 3, Task = _task, WorkflowId = "r", Round = 2,
        IdempotencyKey = "k", ReplayOf = "other",
    };

    public static IReadOnlyList<object> All { get; } =
    [
        _redelivery, _error, _feedback, _retry, _breaker, _task, _result, _phase, _round, _rule, _log, _state, _state.ToSummary(), _letter,
        new AgentIdentity { Id = "a", Type = new AgentType("own"), Name = "n", Version = "1", Description = "d" },
        new AgentState
        {
            AgentId = "a", AgentType = AgentType.Monitor, Status = AgentStatus.Waiting, CurrentTaskId = "t", CompletedTasks = 1, FailedTasks = 2,
            ErrorCount = 3, LastHeartbeatAt = _at, CreatedAt = _at, UpdatedAt = _at, StoreVersion = 4, Metadata = _notes,
        },
        new WorkflowDefinition
        {
            Name = "w", Version = "2", Description = "d", Phases = [WorkflowPhase.DevOps, new WorkflowPhase("own")], Tasks = [_task], Feedback = _rule,
            Timeout = _span, CreatedAt = _at, Metadata = _notes,
        },
        new WorkflowEvent
        {
            Position =
                3, WorkflowId = "r", Kind = WorkflowEventKind.FeedbackRoundStarted, Timestamp = _at, Phase = WorkflowPhase.DevOps, Round = 1, TaskId = "t",
            AgentId = "a", TaskStatus = AgentTaskStatus.Blocked, WorkflowStatus = WorkflowStatus.Waiting, Attempts = 2, Duration = _span, Percent = 12.5,
            Error = _error, Message = "m",
        },
        new AgentMessage
        {
            Id = "m", Type = MessageType.StatusUpdate, Sender = "s", Recipient = "r", Payload = new FeedbackPayload { Feedback = _feedback },
            CorrelationId = "c", Priority = TaskPriority.Low, Timestamp = _at, TimeToLive = _span, Headers = _notes,
        },
        new TaskAssignment
        {
            Task = _task, WorkflowId = "r", Phase = WorkflowPhase.DevOps, Round = 1, Attempt = 2, Delivery = 3, IdempotencyKey = "k",
            DependencyOutputs = new Dictionary<string, TaskData> { ["other"] = "value" }, Feedback = [_feedback], LacksOutputs = true, ReplayOf = "e",
        },
        new TaskResultPayload { Result = _result },
        new FeedbackPayload { Feedback = _feedback },
        new ErrorPayload
        {
            Code = "C", Message = "m", AgentId = "a", TaskId = "t", WorkflowId = "r", Action = ErrorAction.DeadLetter, DeadLetterId = "e",
        },
        new StatusUpdate { AgentId = "a", Status = AgentStatus.Running, TaskId = "t", Phase = WorkflowPhase.DevOps, Round = 1, Progress = 12.5, Text = "x" },
        new ControlPayload { Command = ControlPayload.CancelWorkflow, Arguments = _notes },
        new DataPayload { Data = TaskData.From(4.25) },
        new Lease { Name = "l", Owner = "o", Fence = 3, Nonce = "n", Renewal = 2, ExpiresAt = _at, Term = _span },
    ];
}
