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
    private bool _countedAsComplete;

    /// <summary>Whether anything of it was committed.</summary>
    public bool Exists
    {
        get
        {
            lock (this)
            {
                return _record is null or { Exists: true };
            }
        }
    }

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

    public WorkflowSummary? Summary
    {
        get
        {
            lock (this)
            {
                if (_record is not null)
                {
                    return _record.Summary;
                }

                var pack = new PackReader(_packed, _named);
                return RunRecord.ReadSummaryOnly(ref pack, id);
            }
        }
    }

    public WorkflowDefinition? Definition
    {
        get
        {
            lock (this)
            {
                return Look().Definition;
            }
        }
    }

    public bool IsCancellationRequested
    {
        get
        {
            lock (this)
            {
                return Look().IsCancellationRequested;
            }
        }
    }

    /// <summary>Applies a step if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TryCommit(WorkflowTransition transition)
    {
        var events = EventBatch.Of(id, transition.Events);
        lock (this)
        {
            return Open().TryCommit(transition, events);
        }
    }

    /// <summary>Replaces the whole state if the version is as expected. Returns the new version, or 0 and the version found.</summary>
    public (long Version, long Found) TrySave(WorkflowState state, StateExpectation expectation)
    {
        lock (this)
        {
            return Open().TrySave(state, expectation);
        }
    }

    public bool TryRecord(TaskResult result)
    {
        lock (this)
        {
            return Open().TryRecord(result);
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

    /// <summary>True once, when the run has ended: it is now subject to retention.</summary>
    public bool BecameComplete()
    {
        lock (this)
        {
            return !_countedAsComplete && (_countedAsComplete = true);
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

    /// <summary>Its record, to be changed: a result that comes late, or somebody takes the run up again.</summary>
    private RunRecord Open()
    {
        (_record, _packed, _named) = (Look(), [], []);
        return _record;
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
            (_packed, _named, _record) = (pack.Bytes, pack.Objects, null);
        }
        finally
        {
            pack.Dispose();
        }
    }
}
