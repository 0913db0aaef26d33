using Conductor.State;

namespace Conductor.Testing;

/// <content>Every member of every record survives: times to the tick, text of any plane, long outputs.</content>
public sealed partial class StateManagerConformance
{
    private const string AnyText = "täxt 中 \U0001F600\n\"quoted\"\t\u0001";

    private static readonly DateTimeOffset _moment = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(1_234_567);
    private static readonly TimeSpan _span = TimeSpan.FromTicks(76_543_210_987);

    private static readonly Dictionary<string, string> _notes = new(StringComparer.Ordinal) { ["note"] = AnyText, [AnyText] = string.Empty };

    private static readonly TaskError _wholeError = new() { Code = "CODE", Message = AnyText, Type = "type", IsTransient = true, RetryAfter = _span };

    private static readonly Feedback _wholeFeedback = new()
    {
        SourceAgentId = "critic",
        Severity = FeedbackSeverity.Critical,
        Findings = ["first", AnyText],
        Recommendations = [AnyText],
        AffectedTaskIds = ["t1", "t2"],
        Metrics = new Dictionary<string, double>(StringComparer.Ordinal) { ["coverage"] = 12.345678901234567, [AnyText] = -1e-300 },
    };

    private static readonly TaskDefinition _wholeTask = new()
    {
        Id = "t1",
        Name = AnyText,
        Description = AnyText,
        AgentType = AgentType.Review,
        Phase = WorkflowPhase.DevOps,
        Priority = TaskPriority.Critical,
        Input = AnyText,
        Timeout = _span,
        Deadline = 2 * _span,
        DependsOn = ["t0", "t2"],
        Optional = true,
        IdempotencyKey = "key",
        Retry = new()
        {
            MaxRetries = 7,
            InitialDelay = TimeSpan.FromTicks(12_345_678),
            MaxDelay = _span,
            BackoffMultiplier = 1.75,
            JitterFactor = 0.03,
            RetryableErrors = ["ONE", "TWO"],
        },
        CircuitBreaker = new() { FailureThreshold = 3, RecoveryTimeout = _span, SuccessThreshold = 4, HalfOpenTrials = 5 },
        CreatedAt = _moment,
        Metadata = _notes,
    };

    private static TaskResult WholeResult(string taskId, string? workflowId = null, int round = 0) => new()
    {
        TaskId = taskId,
        WorkflowId = workflowId,
        Round = round,
        AgentId = "agent",
        Status = AgentTaskStatus.Failed,
        Output = string.Concat(Enumerable.Repeat("0123456789", 10_000)) + AnyText,
        Error = _wholeError,
        Attempts = 4,
        Feedback = _wholeFeedback,
        StartedAt = _moment,
        CompletedAt = _moment + _span,
        Duration = _span,
        Metadata = _notes,
    };

    private static WorkflowTransition WholeStep() => new()
    {
        ExpectedVersion = 0,
        Summary = new WorkflowSummary
        {
            WorkflowId = "run",
            DefinitionName = AnyText,
            DefinitionVersion = "7",
            DefinitionHash = "hash",
            Status = WorkflowStatus.Failed,
            CurrentPhase = WorkflowPhase.DevOps,
            Round = 2,
            TaskCount = 5,
            Error = _wholeError,
            StartedAt = _moment,
            CompletedAt = _moment + _span,
            Metadata = _notes,
        },
        Definition = new WorkflowDefinition
        {
            Name = AnyText,
            Version = "7",
            Description = AnyText,
            Phases = [WorkflowPhase.DevOps, new WorkflowPhase("own")],
            Tasks = [_wholeTask, _wholeTask with { Id = "t2" }],
            Feedback = new FeedbackRule
            {
                From = new WorkflowPhase("own"), To = WorkflowPhase.DevOps, MaxRounds = 4, MinSeverity = FeedbackSeverity.Warning,
                AtLimit = FeedbackLimitAction.Continue,
            },
            Timeout = _span,
            CreatedAt = _moment,
            Metadata = _notes,
        },
        Results = [WholeResult("t1", "run", round: 2)],
        Phases =
        [
            new PhaseRecord
            {
                Phase = WorkflowPhase.DevOps, Round = 2, StartedAt = _moment, CompletedAt = _moment + _span, Outcome = PhaseOutcome.Failed,
                CompletedTasks = 1, FailedTasks = 2, SkippedTasks = 3, Reason = AnyText,
            },
        ],
        FeedbackRounds =
        [
            new FeedbackRound { Round = 2, From = new WorkflowPhase("own"), To = WorkflowPhase.DevOps, Feedback = [_wholeFeedback], StartedAt = _moment },
        ],
        Log =
        [
            new WorkflowLogEntry
            {
                Timestamp = _moment, Severity = FeedbackSeverity.Warning, Error = _wholeError, TaskId = "t1", Phase = WorkflowPhase.DevOps, Round = 2,
            },
        ],
        NewAgents = ["a1", AnyText],
        Redeliveries = [new TaskRedelivery { TaskId = "t1", Round = 2, Crashes = 3 }],
        Events =
        [
            new WorkflowEvent
            {
                Position = 1, WorkflowId = "run", Kind = WorkflowEventKind.TaskFinished, Timestamp = _moment, Phase = WorkflowPhase.DevOps, Round = 2,
                TaskId = "t1", AgentId = "agent", TaskStatus = AgentTaskStatus.Failed, Attempts = 4, Duration = _span, Error = _wholeError, Message = AnyText,
            },
            new WorkflowEvent
            {
                Position = 2, WorkflowId = "run", Kind = WorkflowEventKind.Progress, Timestamp = _moment + _span, TaskId = "t1", Percent = 12.345678901234567,
                Message = AnyText,
            },
            new WorkflowEvent
            {
                Position = 3, WorkflowId = "run", Kind = WorkflowEventKind.WorkflowFinished, Timestamp = _moment + _span,
                WorkflowStatus = WorkflowStatus.Failed, Error = _wholeError,
            },
        ],
    };

    private void AddWholeCases()
    {
        Add("A result is read with every member it was saved with, alone, in a run and with a step", async store =>
        {
            await store.CommitWorkflowAsync(WholeStep()).ConfigureAwait(false);
            foreach (var result in new[] { WholeResult("t3"), WholeResult("t3", "run", round: 1), WholeResult("t3", "unknown", round: 1) })
            {
                Check.Equal(RecordOutcome.Recorded, await store.SaveTaskResultAsync(result).ConfigureAwait(false), "the outcome");
            }

            Same(WholeResult("t3"), await store.GetTaskResultAsync("t3").ConfigureAwait(false), "the result outside workflows");
            foreach (var saved in new[] { WholeResult("t1", "run", round: 2), WholeResult("t3", "run", round: 1), WholeResult("t3", "unknown", round: 1) })
            {
                var found = await store.GetTaskResultAsync(saved.WorkflowId!, saved.TaskId, saved.Round).ConfigureAwait(false);
                Same(saved, found, $"the result of {saved.WorkflowId}, {saved.TaskId}, {saved.Round}");
            }

            Check.Null(await store.GetTaskResultAsync("t1").ConfigureAwait(false), "a result outside workflows that was saved in a run");
        });
        Add("A run, its definition and its history are read with every member they were saved with", async store =>
        {
            var step = WholeStep();
            var version = await store.CommitWorkflowAsync(step).ConfigureAwait(false);
            await CheckWholeAsync(store, step, version).ConfigureAwait(false);
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Same(state.ToSummary(), (await store.ListWorkflowsAsync().ConfigureAwait(false)).Items[0], "what the list says about the run");

            // Saved whole it is the same, and what is not in it stays.
            version = await store.SaveWorkflowStateAsync(state).ConfigureAwait(false);
            await CheckWholeAsync(store, step, version).ConfigureAwait(false);
        });
        Add("A dead letter, an agent's state and an effect's value are read with every member they were saved with", async store =>
        {
            var letter = Letter("d") with { Message = AnyText, Context = _notes, Timestamp = _moment, Task = _wholeTask };
            await store.SaveDeadLetterAsync(letter).ConfigureAwait(false);
            Same(letter, await store.GetDeadLetterAsync("d").ConfigureAwait(false), "the dead letter");
            Same(letter, (await store.ListDeadLettersAsync().ConfigureAwait(false)).Items[0], "the dead letter in the list");

            var agent = Agent("a") with
            {
                LastHeartbeatAt = _moment, CreatedAt = _moment, UpdatedAt = _moment + _span, CurrentTaskId = AnyText, Metadata = _notes,
            };
            agent = agent with { StoreVersion = await store.SaveAgentStateAsync(agent).ConfigureAwait(false) };
            Same(agent, await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
            Same(agent, (await store.ListAgentStatesAsync().ConfigureAwait(false)).Items[0], "the agent's state in the list");

            var effect = new EffectKey("run", "run:t:0", AnyText);
            await store.Effects.RecordAsync(effect, AnyText).ConfigureAwait(false);
            Check.Equal(AnyText, (await store.Effects.GetAsync(effect).ConfigureAwait(false))?.Get<string>(), "the effect's value");
        });
    }

    private static async Task CheckWholeAsync(StateManager store, WorkflowTransition step, long version)
    {
        var results = step.Results.ToDictionary(static result => result.TaskId, StringComparer.Ordinal);
        var expected = step.Summary.ToState(step.Phases, results, step.FeedbackRounds, step.Log, step.NewAgents, step.Redeliveries);
        Same(expected with { StoreVersion = version }, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state");
        Same(step.Definition!, await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false), "the definition");
        var history = Check.NotNull(await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false), "the history");
        Check.Sequence(step.Events.Select(Json), history.Events.Select(Json), "the events");
    }
}
