namespace Conductor.State;

/// <summary>
/// One run as it is kept in memory. A step changes what it names; the whole state is put together only when it is read. Thread-safe.
/// </summary>
internal sealed class InMemoryWorkflow(string id, int maxEvents)
{
    /// <summary>Tasks for which there is room from the start; more make room as they come.</summary>
    private const int MostToExpect = 65_536;

    private readonly Lock _gate = new();
    private Dictionary<string, TaskResult> _latest = new(StringComparer.Ordinal);
    private readonly List<PhaseRecord> _phases = [];
    private readonly List<FeedbackRound> _feedbackRounds = [];
    private readonly List<WorkflowLogEntry> _log = [];
    private readonly List<string> _agents = [];
    private readonly List<TaskRedelivery> _redeliveries = [];
    private readonly Queue<RetainedEvent> _events = new();
    private Dictionary<(string TaskId, int Round), TaskResult>? _earlier;
    private WorkflowSummary? _summary;
    private WorkflowDefinition? _definition;
    private WorkflowState? _cached;
    private bool _latestIsShared;
    private long _lastPosition;
    private string? _lastOperationId;
    private bool _cancellationRequested;
    private bool _countedAsComplete;

    public WorkflowSummary? Summary
    {
        get
        {
            lock (_gate)
            {
                return _summary;
            }
        }
    }

    public WorkflowDefinition? Definition
    {
        get
        {
            lock (_gate)
            {
                return _definition;
            }
        }
    }

    public bool IsCancellationRequested
    {
        get
        {
            lock (_gate)
            {
                return _cancellationRequested;
            }
        }
    }

    /// <summary>Applies a step if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TryCommit(WorkflowTransition transition)
    {
        var events = EventBatch.Of(id, transition.Events);
        lock (_gate)
        {
            var found = _summary?.StoreVersion ?? 0;
            if (found != transition.ExpectedVersion)
            {
                // Repeated by somebody who did not learn that it was committed.
                var isRepeated = found == transition.ExpectedVersion + 1 && transition.OperationId is { } operation && operation == _lastOperationId;
                return isRepeated ? (found, found) : (0, found);
            }

            if (found == 0)
            {
                MakeRoom(Math.Min(transition.Summary.TaskCount, MostToExpect));
            }

            _cached = null;
            _lastOperationId = transition.OperationId;
            _summary = transition.Summary with { StoreVersion = found + 1 };
            _definition = transition.Definition ?? _definition;
            foreach (var taskId in transition.ReopenedTaskIds)
            {
                Retire(taskId);
            }

            foreach (var result in transition.Results)
            {
                Record(result);
            }

            foreach (var phase in transition.Phases)
            {
                // The passage that ends is the last one, or close to it.
                Upsert(_phases, phase, static (known, phase) => known.Phase == phase.Phase && known.Round == phase.Round);
            }

            foreach (var redelivery in transition.Redeliveries)
            {
                Upsert(_redeliveries, redelivery, static (known, redelivery) => known.TaskId == redelivery.TaskId && known.Round == redelivery.Round);
            }

            _feedbackRounds.AddRange(transition.FeedbackRounds);
            _log.AddRange(transition.Log);
            _agents.AddRange(transition.NewAgents);
            Keep(events);
            return (found + 1, found);
        }
    }

    /// <summary>Replaces the whole state if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TrySave(WorkflowState state, StateExpectation expectation)
    {
        lock (_gate)
        {
            var found = _summary?.StoreVersion ?? 0;
            if (!expectation.IsMetBy(found))
            {
                return (0, found);
            }

            _cached = null;
            _lastOperationId = null;
            _summary = state.ToSummary() with { StoreVersion = found + 1 };
            _latest = new Dictionary<string, TaskResult>(StringComparer.Ordinal);
            _latestIsShared = false;
            foreach (var (taskId, result) in state.TaskResults)
            {
                _latest[taskId] = result;
            }

            Replace(_phases, state.PhaseHistory);
            Replace(_feedbackRounds, state.FeedbackRounds);
            Replace(_log, state.ErrorLog);
            Replace(_agents, state.ParticipatingAgents);
            Replace(_redeliveries, state.Redeliveries);
            return (found + 1, found);
        }
    }

    public bool TryRecord(TaskResult result)
    {
        lock (_gate)
        {
            return Record(result);
        }
    }

    public TaskResult? GetResult(string taskId, int round)
    {
        lock (_gate)
        {
            return Find(taskId, round);
        }
    }

    public WorkflowState? GetState()
    {
        lock (_gate)
        {
            if (_cached is null && _summary is not null)
            {
                // The results go into the snapshot as they are; whoever changes them after that changes a copy.
                _latestIsShared = true;
                _cached = _summary.ToState(_phases, Snapshot.Owning(_latest), _feedbackRounds, _log, _agents, _redeliveries);
            }

            return _cached;
        }
    }

    public WorkflowHistory? GetHistory(long afterPosition, int limit)
    {
        lock (_gate)
        {
            if (_summary is null)
            {
                return null;
            }

            // The kept events have consecutive positions, so the first newer one is found by counting, not by comparing.
            var first = _lastPosition - _events.Count + 1;
            var skipped = (int)Math.Clamp(afterPosition - first + 1, 0, _events.Count);
            return new WorkflowHistory
            {
                Events = [.. _events.Skip(skipped).Take(limit).Select((kept, index) => kept.ToEvent(id, first + skipped + index))],
                FirstPosition = _events.Count > 0 ? first : 0,
                LastPosition = _lastPosition,
                IsComplete = _summary.IsComplete,
            };
        }
    }

    public bool RequestCancellation()
    {
        lock (_gate)
        {
            if (_summary is null or { IsComplete: true })
            {
                return false;
            }

            _cancellationRequested = true;
            return true;
        }
    }

    /// <summary>True once, when the run has ended: it is now subject to retention.</summary>
    public bool BecameComplete()
    {
        lock (_gate)
        {
            return !_countedAsComplete && (_countedAsComplete = true);
        }
    }

    private void Keep(EventBatch events)
    {
        foreach (ref readonly var happening in events.Packed)
        {
            if (_events.Count >= maxEvents)
            {
                _events.Dequeue();
            }

            _events.Enqueue(happening);
        }

        _lastPosition = events.Count > 0 ? events.LastPosition : _lastPosition;
    }

    private static void Replace<T>(List<T> target, IReadOnlyList<T> source)
    {
        target.Clear();
        target.AddRange(source);
    }

    private TaskResult? Find(string taskId, int round) =>
        _latest.TryGetValue(taskId, out var latest) && latest.Round == round ? latest
        : _earlier is not null && _earlier.TryGetValue((taskId, round), out var earlier) ? earlier
        : null;

    private bool Record(TaskResult result)
    {
        if (Find(result.TaskId, result.Round) is not null)
        {
            return false;
        }

        Retire(result.TaskId);
        OwnLatest()[result.TaskId] = result;
        _cached = null;
        return true;
    }

    private void Retire(string taskId)
    {
        if (_latest.ContainsKey(taskId) && OwnLatest().Remove(taskId, out var result))
        {
            (_earlier ??= [])[(taskId, result.Round)] = result;
        }
    }

    /// <summary>A run that goes well has two events for every task, and some of its own.</summary>
    private void MakeRoom(int tasks)
    {
        _latest.EnsureCapacity(tasks);
        _events.EnsureCapacity(Math.Min((2 * tasks) + 8, maxEvents));
    }

    private Dictionary<string, TaskResult> OwnLatest()
    {
        if (_latestIsShared)
        {
            _latest = new Dictionary<string, TaskResult>(_latest, StringComparer.Ordinal);
            _latestIsShared = false;
        }

        return _latest;
    }

    private static void Upsert<T>(List<T> items, T item, Func<T, T, bool> isSame)
    {
        for (var i = items.Count - 1; i >= 0; i--)
        {
            if (isSame(items[i], item))
            {
                items[i] = item;
                return;
            }
        }

        items.Add(item);
    }
}
