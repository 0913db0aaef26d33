using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// What changed in a run since the last commit, and its commit: one step, with the events in order. Not thread-safe: it belongs to one
/// run's loop.
/// </summary>
internal sealed class RunJournal(StateManager state, TimeProvider time, string workflowId, WorkflowDefinition definition)
{
    /// <summary>Results and agents of one step for which there is room from the start; more make room as they come.</summary>
    private const int Few = 16;

    /// <summary>The agents that took part, and by which number events name each.</summary>
    private readonly AgentNumbers _agents = new(definition.Tasks.Count);
    private Noted<TaskResult> _results = new(Math.Min(definition.Tasks.Count, Few));
    private Noted<PhaseRecord> _phases;
    private Noted<FeedbackRound> _feedbackRounds;
    private Noted<string> _reopened;
    private Noted<TaskRedelivery> _redeliveries;
    private Noted<WorkflowLogEntry> _log;
    private Noted<string> _newAgents = new(Math.Min(definition.Tasks.Count, Few));

    /// <summary>
    /// Room for a run that goes well and whose tasks end together: two events for every task, and two for every phase and for the run, which are
    /// about twice as long. Where each task ends in a step of its own, more room is made.
    /// </summary>
    private readonly EventTape _events = new(workflowId, definition, (2 * definition.Tasks.Count) + (4 * (definition.Phases.Count + 1)));
    private DateTimeOffset? _now;

    public long Version { get; private set; }

    /// <summary>The position of the newest event.</summary>
    public long LastPosition => _events.NextPosition - 1;

    public bool HasChanges => !_events.IsEmpty;

    /// <summary>What is committed together happened at one time: that of the first of it.</summary>
    private DateTimeOffset Now => _now ??= time.GetUtcNow();

    /// <summary>Something happened to the run itself.</summary>
    public void Add(
        WorkflowEventKind kind, WorkflowPhase? phase, int round, string? message = null, WorkflowStatus? status = null, TaskError? error = null) =>
        _events.AddOfRun(kind, message, status, error, phase, round, Now);

    /// <summary>A task was started.</summary>
    public void AddStarted(int task, WorkflowPhase? phase, int round) => _events.AddStarted(task, phase, round, Now);

    /// <summary>An attempt of a task failed, and another follows.</summary>
    public void AddRetrying(TaskRetry retry, WorkflowPhase? phase, int round)
    {
        // Its agent took part, whoever goes on with the task.
        AddAgents(retry.AgentId is { } agent ? [agent] : null);
        _events.AddRetrying(retry, phase, round, Now);
    }

    /// <summary>A task ended, with this result.</summary>
    public void AddFinished(int task, TaskResult result, WorkflowPhase? phase, int round)
    {
        _results.Add(result);
        _events.AddFinished(task, result.AgentId is { } agent ? NumberOf(agent) : null, result, phase, round, Now);
    }

    /// <summary>Agents took part, whose attempts failed and were followed by others.</summary>
    public void AddAgents(IReadOnlyList<string>? agents)
    {
        foreach (var agent in agents ?? [])
        {
            NumberOf(agent);
        }
    }

    private int NumberOf(string agent)
    {
        if (!_agents.TryGet(agent, out var number))
        {
            number = _events.AddAgent(agent);
            _agents.Add(agent, number);
            _newAgents.Add(agent);
        }

        return number;
    }

    public void Add(PhaseRecord phase) => _phases.Add(phase);

    public void Add(FeedbackRound round, IEnumerable<string> reopened)
    {
        _feedbackRounds.Add(round);
        _reopened.AddRange(reopened);
    }

    /// <summary>The run goes on with a definition that lacks some of its finished tasks, and has some that one before had.</summary>
    /// <param name="leftOut">Those it lacks.</param>
    /// <param name="returned">Results that count again.</param>
    public void AddMigration(IEnumerable<string> leftOut, IEnumerable<TaskResult> returned)
    {
        _reopened.AddRange(leftOut);
        _results.AddRange(returned);
    }

    public void Add(WorkflowLogEntry entry) => _log.Add(entry);

    public void Add(TaskRedelivery redelivery) => _redeliveries.Add(redelivery);

    /// <summary>Goes on behind what the store has.</summary>
    public void Restore(long version, long position, IEnumerable<string> agents)
    {
        Version = version;
        _events.Continue(position);
        foreach (var agent in agents)
        {
            // A state that was saved by hand, or by two owners at once, may name one twice: no reason never to go on with its run.
            if (!_agents.TryGet(agent, out _))
            {
                _agents.Add(agent, _events.AddAgent(agent));
            }
        }
    }

    /// <summary>Takes what changed as one step, to be committed whole or not at all.</summary>
    public WorkflowTransition Take(WorkflowSummary summary, Lease lease, WorkflowDefinition? newDefinition)
    {
        _now = null;
        var events = _events.Take();
        if (_events.HasManyNames)
        {
            _events.BeginAnew(_agents.Count);
            _agents.Renumber(_events.AddAgent);
        }

        return new WorkflowTransition
        {
            Summary = summary,
            ExpectedVersion = Version,
            Lease = lease,

            // One taking of the lease makes one step from each version: together they name it.
            OperationId = lease.Nonce,
            Definition = newDefinition,
            Results = _results.Take(),
            Phases = _phases.Take(),
            FeedbackRounds = _feedbackRounds.Take(),
            ReopenedTaskIds = _reopened.Take(),
            Redeliveries = _redeliveries.Take(),
            Log = _log.Take(),
            NewAgents = _newAgents.Take(),
            Events = events,
        };
    }

    /// <summary>Commits a step.</summary>
    /// <returns>
    /// The version that the run has by it. It is to be noted (<see cref="NoteCommitted"/>) by whoever waits for it, and not when nobody does any more.
    /// </returns>
    public ValueTask<long> CommitAsync(WorkflowTransition step)
    {
        // Not cancellable: whether a step was committed must not depend on who stopped waiting for it.
        return state.CommitWorkflowAsync(step, CancellationToken.None);
    }

    /// <summary>A step is committed.</summary>
    public void NoteCommitted(long version) => Version = version;
}
