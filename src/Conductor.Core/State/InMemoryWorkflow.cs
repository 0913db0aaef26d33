namespace Conductor.State;

/// <summary>
/// One run as it is kept in memory: its record, and once it is over and was read, that record packed. Thousands are kept, and each object of theirs
/// costs the collector: so it is its own lock, too. Thread-safe.
/// </summary>
internal sealed class InMemoryWorkflow(string id, int maxEvents)
{
    /// <summary>A run of more tasks has few objects for each of them as it is, and would take long to be packed and to be read.</summary>
    private const int MostToPack = 256;

    /// <summary>Null while it is packed.</summary>
    private RunRecord? _record = new(id, maxEvents);
    private byte[] _packed = [];
    private object[] _named = [];

    /// <summary>When it ended, in UTC ticks; 0 while it has not.</summary>
    private long _finishedAt;

    /// <summary>How often it has ended: it may be taken up again.</summary>
    private int _endings;

    public string Id => id;

    /// <summary>When it ended: since then it is subject to retention. Null while it has not.</summary>
    public DateTimeOffset? FinishedAt => Volatile.Read(ref _finishedAt) is var ticks and not 0 ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public bool IsUnfinished
    {
        get
        {
            lock (this)
            {
                return _record is { Exists: true, IsComplete: false };
            }
        }
    }

    /// <summary>Its last end.</summary>
    public FinishedRun LastEnd
    {
        get
        {
            lock (this)
            {
                return new FinishedRun(this, _endings);
            }
        }
    }

    public WorkflowSummary? Summary
    {
        get
        {
            lock (this)
            {
                return _record is null ? Head().Summary : _record.Summary;
            }
        }
    }

    public WorkflowDefinition? Definition
    {
        get
        {
            lock (this)
            {
                return _record is null ? Head().Definition : _record.Definition;
            }
        }
    }

    public bool IsCancellationRequested
    {
        get
        {
            lock (this)
            {
                return _record is null ? Head().IsCancellationRequested : _record.IsCancellationRequested;
            }
        }
    }

    /// <summary>Applies a step if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TryCommit(WorkflowTransition transition)
    {
        var events = EventBatch.Of(id, transition.Events);
        lock (this)
        {
            var committed = Open(out var wasPacked).TryCommit(transition, events);
            PackAgain(wasPacked);
            return committed;
        }
    }

    /// <summary>Replaces the whole state if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TrySave(WorkflowState state, StateExpectation expectation)
    {
        lock (this)
        {
            var saved = Open(out var wasPacked).TrySave(state, expectation);
            PackAgain(wasPacked);
            return saved;
        }
    }

    public bool TryRecord(TaskResult result)
    {
        lock (this)
        {
            var isRecorded = Open(out var wasPacked).TryRecord(result);
            PackAgain(wasPacked);
            return isRecorded;
        }
    }

    public TaskResult? GetResult(string taskId, int round)
    {
        lock (this)
        {
            return Look().GetResult(taskId, round);
        }
    }

    public WorkflowState? GetState()
    {
        lock (this)
        {
            var state = Look().GetState();
            if (state is { IsComplete: true })
            {
                Pack();
            }

            return state;
        }
    }

    public WorkflowHistory? GetHistory(long afterPosition, int limit)
    {
        lock (this)
        {
            return Look().GetHistory(afterPosition, limit);
        }
    }

    public bool RequestCancellation()
    {
        lock (this)
        {
            return _record?.RequestCancellation() == true;
        }
    }

    /// <summary>
    /// Notes whether it has ended, as it is now: of several changes at once none knows which was the last. Since it ended it is subject to retention, and no
    /// longer when it is taken up again.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="end">The end that came, or that is none any more.</param>
    /// <returns>Whether it has ended; null when that was noted already.</returns>
    public bool? NoteEnd(DateTimeOffset now, out FinishedRun end)
    {
        lock (this)
        {
            var isOver = _record is null or { IsComplete: true };
            if (isOver == (_finishedAt != 0))
            {
                end = default;
                return null;
            }

            _endings += isOver ? 1 : 0;
            Volatile.Write(ref _finishedAt, isOver ? now.UtcTicks : 0);
            end = new FinishedRun(this, _endings);
            return isOver;
        }
    }

    /// <summary>Whether an end is its last one, and it was not taken up again since.</summary>
    public bool IsOverSince(int ending)
    {
        lock (this)
        {
            return _endings == ending && _record is null or { IsComplete: true };
        }
    }

    /// <summary>Its record, to be read.</summary>
    private RunRecord Look()
    {
        if (_record is not null)
        {
            return _record;
        }

        var pack = new PackReader(_packed, _named);
        return RunRecord.Read(ref pack, id, maxEvents);
    }

    /// <summary>What its record begins with.</summary>
    private (WorkflowSummary Summary, WorkflowDefinition? Definition, bool IsCancellationRequested) Head()
    {
        var pack = new PackReader(_packed, _named);
        return RunRecord.ReadHead(ref pack, id);
    }

    /// <summary>Its record, to be changed: a result comes late, or somebody takes the run up again.</summary>
    private RunRecord Open(out bool wasPacked)
    {
        wasPacked = _record is null;
        (_record, _packed, _named) = (Look(), [], []);
        return _record;
    }

    /// <summary>Nobody may come who reads it, so it does not wait for that a second time.</summary>
    private void PackAgain(bool wasPacked)
    {
        if (wasPacked && _record!.IsComplete)
        {
            Pack();
        }
    }

    /// <summary>It is over, and whoever waited for its end has read it.</summary>
    private void Pack()
    {
        if (_record is null or { ResultPlaces: > MostToPack })
        {
            return;
        }

        var pack = new PackWriter();
        try
        {
            _record.WriteTo(ref pack);
            (_packed, _named, _record) = (pack.ToBytes(), pack.ToObjects(), null);
        }
        finally
        {
            pack.Dispose();
        }
    }
}
