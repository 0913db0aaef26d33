namespace Conductor.State;

/// <summary>
/// What is stored of one run. A step changes what it names; the whole state is put together only when it is read. Not thread-safe.
/// </summary>
internal sealed partial class RunRecord(string id, int maxEvents)
{
    private EventHistory _events = new(id, maxEvents);

    // What every run has a few of: arrays without room to grow.
    private PhaseRecord[] _phases = [];
    private string[] _agents = [];

    // What few runs have is made when it comes.
    private List<WorkflowLogEntry>? _log;
    private List<FeedbackRound>? _feedbackRounds;
    private List<TaskRedelivery>? _redeliveries;
    private Dictionary<(string TaskId, int Round), TaskResult>? _earlier;
    private RunResults? _results;
    private WorkflowSummary? _summary;
    private long _version;
    private string? _lastOperationId;

    /// <summary>The part of its state that does not grow; null before anything was committed.</summary>
    public WorkflowSummary? Summary => _summary is null ? null : _summary with { StoreVersion = _version };

    public WorkflowDefinition? Definition { get; private set; }

    public bool IsCancellationRequested { get; private set; }

    /// <summary>Whether anything was committed.</summary>
    public bool Exists => _summary is not null;

    public bool IsComplete => _summary is { IsComplete: true };

    /// <summary>Applies a step if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TryCommit(WorkflowTransition transition, EventBatch events)
    {
        var found = _version;
        if (found != transition.ExpectedVersion)
        {
            // Repeated by somebody who did not learn that it was committed.
            var isRepeated = found == transition.ExpectedVersion + 1 && transition.OperationId is { } operation && operation == _lastOperationId;
            return isRepeated ? (found, found) : (0, found);
        }

        _version++;
        _lastOperationId = transition.OperationId;
        _summary = transition.Summary;
        Definition = transition.Definition ?? Definition;
        foreach (var taskId in transition.ReopenedTaskIds)
        {
            Retire(taskId, Results.Remove(taskId));
        }

        for (var i = 0; i < transition.Results.Count; i++)
        {
            var result = transition.Results[i];
            TryRecord(TakeReopened(result) ?? result);
        }

        Upsert(transition.Phases);
        Upsert(transition.Redeliveries);
        Append(ref _feedbackRounds, transition.FeedbackRounds);
        Append(ref _log, transition.Log);
        _agents = transition.NewAgents.Count == 0 ? _agents : [.. _agents, .. transition.NewAgents];
        _events.Add(events);
        return (_version, found);
    }

    /// <summary>Replaces the whole state if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TrySave(WorkflowState state, StateExpectation expectation)
    {
        var found = _version;
        if (!expectation.IsMetBy(found))
        {
            return (0, found);
        }

        _version++;
        _lastOperationId = null;
        _summary = state.ToSummary();
        _results = new RunResults(id, Definition);
        foreach (var (taskId, result) in state.TaskResults)
        {
            _results.TryAdd(taskId, result, out _);
        }

        _phases = [];
        Upsert(state.PhaseHistory);
        _feedbackRounds = [.. state.FeedbackRounds];
        _log = [.. state.ErrorLog];
        _agents = [.. state.ParticipatingAgents];
        _redeliveries = null;
        Upsert(state.Redeliveries);
        return (_version, found);
    }

    public bool TryRecord(TaskResult result)
    {
        if (_earlier?.ContainsKey((result.TaskId, result.Round)) is true || !Results.TryAdd(result.TaskId, result, out var before))
        {
            return false;
        }

        Retire(result.TaskId, before);
        return true;
    }

    public TaskResult? GetResult(string taskId, int round) => Results.Find(taskId, round) ?? _earlier?.GetValueOrDefault((taskId, round));

    public WorkflowState? GetState()
    {
        if (Summary is not { } summary)
        {
            return null;
        }

        // The first to ask after the end is whoever waited for it; after that a run is only kept.
        var results = Results.ToSnapshot(isLast: summary.IsComplete);
        return summary.ToState(
            _phases,
            results,
            _feedbackRounds ?? (IReadOnlyList<FeedbackRound>)[],
            _log ?? (IReadOnlyList<WorkflowLogEntry>)[],
            _agents,
            _redeliveries ?? (IReadOnlyList<TaskRedelivery>)[]);
    }

    public WorkflowHistory? GetHistory(long afterPosition, int limit) => _summary is null
        ? null
        : new WorkflowHistory
        {
            Events = _events.After(afterPosition, limit),
            FirstPosition = _events.FirstPosition,
            LastPosition = _events.LastPosition,
            IsComplete = _summary.IsComplete,
        };

    public bool RequestCancellation()
    {
        if (_summary is null or { IsComplete: true })
        {
            return false;
        }

        IsCancellationRequested = true;
        return true;
    }

    /// <summary>The first result of an execution stands: a step that brings one that was reopened has it count again, unless another round's does.</summary>
    private TaskResult? TakeReopened(TaskResult result) =>
        _earlier is not null && !Results.Has(result.TaskId) && _earlier.Remove((result.TaskId, result.Round), out var first) ? first : null;

    private RunResults Results => _results ??= new RunResults(id, Definition);

    private static void Append<T>(ref List<T>? list, IReadOnlyList<T> items)
    {
        if (items.Count > 0)
        {
            (list ??= []).AddRange(items);
        }
    }

    private void Retire(string taskId, TaskResult? result)
    {
        if (result is not null)
        {
            (_earlier ??= [])[(taskId, result.Round)] = result;
        }
    }

    private void Upsert(IReadOnlyList<PhaseRecord> phases)
    {
        for (var i = 0; i < phases.Count; i++)
        {
            // The passage that ends is the last one, or close to it.
            var phase = phases[i];
            var place = _phases.Length - 1;
            while (place >= 0 && !(_phases[place].Phase == phase.Phase && _phases[place].Round == phase.Round))
            {
                place--;
            }

            if (place >= 0)
            {
                _phases[place] = phase;
            }
            else
            {
                _phases = [.. _phases, phase];
            }
        }
    }

    private void Upsert(IReadOnlyList<TaskRedelivery> redeliveries)
    {
        for (var i = 0; i < redeliveries.Count; i++)
        {
            var redelivery = redeliveries[i];
            var known = _redeliveries ??= [];
            var place = known.FindLastIndex(before => before.TaskId == redelivery.TaskId && before.Round == redelivery.Round);
            if (place >= 0)
            {
                known[place] = redelivery;
            }
            else
            {
                known.Add(redelivery);
            }
        }
    }
}
