namespace Conductor.State;

/// <summary>
/// The newest events of a run, in order: the stretches that its steps brought, which nobody changes any more and which so need no copy. Not
/// thread-safe. A value, and so a part of the run that has it: thousands are kept.
/// </summary>
internal struct EventHistory(string workflowId, int maxEvents)
{
    /// <summary>Neighbours become one stretch up to this length: it is read from its begin, and let go of as a whole.</summary>
    private const int LongestJoined = 256;

    private readonly string _workflowId = workflowId;
    private readonly int _maxEvents = maxEvents;
    private EventStretch _newest;

    /// <summary>Those before the newest; null for none, as in every small run.</summary>
    private Queue<EventStretch>? _older;

    /// <summary>How long all stretches are; of the oldest only the end may count.</summary>
    private int _length;

    /// <summary>The position of the oldest event that is kept; 0 when there is none.</summary>
    public readonly long FirstPosition => Count == 0 ? 0 : LastPosition - Count + 1;

    /// <summary>The position of the newest event.</summary>
    public long LastPosition { get; private set; }

    private readonly int Count => Math.Min(_length, _maxEvents);

    public void Add(EventBatch events)
    {
        if (events.Count == 0)
        {
            return;
        }

        Add(events.Packed);
        _length += events.Count;
        LastPosition = events.LastPosition;
        while (_older is not null && _older.TryPeek(out var oldest) && _length - oldest.Count >= _maxEvents)
        {
            _length -= _older.Dequeue().Count;
        }
    }

    /// <summary>Writes it down; older stretches, as only long runs have them, stay what they are.</summary>
    public readonly void WriteTo(ref PackWriter pack)
    {
        _newest.WriteTo(ref pack);
        pack.PutObject(_older);
        pack.Put(_length);
        pack.Put(LastPosition);
    }

    /// <summary>Reads what was written.</summary>
    public static EventHistory Read(ref PackReader pack, string workflowId, int maxEvents) => new(workflowId, maxEvents)
    {
        _newest = EventStretch.Read(ref pack),
        _older = pack.TakeObject<Queue<EventStretch>>(),
        _length = pack.TakeInt32(),
        LastPosition = pack.Take(),
    };

    /// <summary>Events after a position.</summary>
    public readonly IReadOnlyList<WorkflowEvent> After(long position, int limit)
    {
        // Positions are consecutive, so what is newer is found by counting from the end, not by comparing.
        var left = (int)Math.Clamp(LastPosition - position, 0, Count);
        var events = new List<WorkflowEvent>(Math.Min(left, limit));
        var behind = _length;
        if (_older is not null)
        {
            foreach (var stretch in _older)
            {
                AddTo(events, limit, stretch, behind, left);
                behind -= stretch.Count;
            }
        }

        AddTo(events, limit, _newest, behind, left);
        return events;
    }

    private void Add(in EventStretch stretch)
    {
        if (_newest.Count + stretch.Count <= LongestJoined && _newest.TryJoin(stretch, out var joined))
        {
            _newest = joined;
            return;
        }

        if (_newest.Count > 0)
        {
            (_older ??= new Queue<EventStretch>()).Enqueue(_newest);
        }

        _newest = stretch;
    }

    /// <summary>Adds what is wanted of a stretch.</summary>
    /// <param name="events">To these.</param>
    /// <param name="limit">How many these may become.</param>
    /// <param name="stretch">The stretch.</param>
    /// <param name="behind">How many events there are from its begin to the newest.</param>
    /// <param name="left">How many of the newest are wanted.</param>
    private readonly void AddTo(List<WorkflowEvent> events, int limit, in EventStretch stretch, int behind, int left)
    {
        if (behind - stretch.Count >= left)
        {
            return;
        }

        var reader = stretch.Read();
        for (var i = 0; i < stretch.Count && events.Count < limit; i++)
        {
            reader.Advance();
            if (behind - i <= left)
            {
                events.Add(reader.ToEvent(_workflowId, LastPosition - behind + i + 1));
            }
        }
    }
}
