using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// What changed in a run since the last commit, and its commit: one step, with the events in order. Not thread-safe: it belongs to one
/// run's loop.
/// </summary>
internal sealed class RunJournal(StateManager state, TimeProvider time, string workflowId)
{
    private readonly HashSet<string> _agents = new(StringComparer.Ordinal);
    private readonly List<TaskResult> _results = [];
    private readonly List<PhaseRecord> _phases = [];
    private readonly List<FeedbackRound> _feedbackRounds = [];
    private readonly List<string> _reopened = [];
    private readonly List<TaskRedelivery> _redeliveries = [];
    private readonly List<WorkflowLogEntry> _log = [];
    private readonly List<string> _newAgents = [];
    private readonly List<WorkflowEvent> _events = [];
    private long _position;
    private DateTimeOffset? _now;

    public long Version { get; private set; }

    public bool HasChanges => _events.Count > 0;

    /// <summary>What is committed together happened at one time: that of the first of it.</summary>
    private DateTimeOffset Now => _now ??= time.GetUtcNow();

    public WorkflowEvent Event(WorkflowEventKind kind, WorkflowPhase? phase, int round) => new()
    {
        Position = ++_position,
        WorkflowId = workflowId,
        Kind = kind,
        Timestamp = Now,
        Phase = phase,
        Round = round,
    };

    public void Add(WorkflowEvent happening) => _events.Add(happening);

    /// <summary>A task was started. (Made at once, not by <c>with</c>: there are two events for every task.)</summary>
    public void AddStarted(string taskId, WorkflowPhase? phase, int round) => _events.Add(new WorkflowEvent
    {
        Position = ++_position,
        WorkflowId = workflowId,
        Kind = WorkflowEventKind.TaskStarted,
        Timestamp = Now,
        Phase = phase,
        Round = round,
        TaskId = taskId,
        TaskStatus = AgentTaskStatus.InProgress,
    });

    /// <summary>A task ended, with this result.</summary>
    public void AddFinished(TaskResult result, WorkflowPhase? phase, int round)
    {
        Add(result);
        _events.Add(new WorkflowEvent
        {
            Position = ++_position,
            WorkflowId = workflowId,
            Kind = WorkflowEventKind.TaskFinished,
            Timestamp = Now,
            Phase = phase,
            Round = round,
            TaskId = result.TaskId,
            AgentId = result.AgentId,
            TaskStatus = result.Status,
            Attempts = result.Attempts,
            Duration = result.Duration,
            Error = result.Error,
        });
    }

    private void Add(TaskResult result)
    {
        _results.Add(result);
        if (result.AgentId is { } agent && _agents.Add(agent))
        {
            _newAgents.Add(agent);
        }
    }

    public void Add(PhaseRecord phase) => _phases.Add(phase);

    public void Add(FeedbackRound round, IEnumerable<string> reopened)
    {
        _feedbackRounds.Add(round);
        _reopened.AddRange(reopened);
    }

    public void Add(WorkflowLogEntry entry) => _log.Add(entry);

    public void Add(TaskRedelivery redelivery) => _redeliveries.Add(redelivery);

    /// <summary>Goes on behind what the store has.</summary>
    public void Restore(long version, long position, IEnumerable<string> agents)
    {
        Version = version;
        _position = position;
        _agents.UnionWith(agents);
    }

    /// <summary>Takes what changed as one step, to be committed whole or not at all.</summary>
    public WorkflowTransition Take(WorkflowSummary summary, Lease lease, WorkflowDefinition? definition)
    {
        _now = null;
        return new WorkflowTransition
        {
            Summary = summary,
            ExpectedVersion = Version,
            Lease = lease,

            // One taking of the lease makes one step from each version: together they name it.
            OperationId = lease.Nonce,
            Definition = definition,
            Results = Take(_results),
            Phases = Take(_phases),
            FeedbackRounds = Take(_feedbackRounds),
            ReopenedTaskIds = Take(_reopened),
            Redeliveries = Take(_redeliveries),
            Log = Take(_log),
            NewAgents = Take(_newAgents),
            Events = Take(_events),
        };
    }

    /// <summary>Commits a step.</summary>
    public async ValueTask CommitAsync(WorkflowTransition step)
    {
        // Not cancellable: whether a step was committed must not depend on who stopped waiting for it.
        Version = await state.CommitWorkflowAsync(step, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>What a list holds; the list is used again.</summary>
    private static T[] Take<T>(List<T> list)
    {
        if (list.Count == 0)
        {
            return [];
        }

        T[] taken = [.. list];
        list.Clear();
        return taken;
    }
}
