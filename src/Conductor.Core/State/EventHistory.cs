namespace Conductor.State;

/// <summary>
/// The newest events of a run, in order: the stretches that its steps brought, which nobody changes any more and which so need no copy. Not
/// thread-safe.
/// </summary>
internal sealed class EventHistory(string workflowId, int maxEvents)
{
    private readonly Queue<ReadOnlyMemory<RetainedEvent>> _stretches = new();

    /// <summary>How long all stretches are; of the oldest only the end may count.</summary>
    private int _length;

    /// <summary>The position of the oldest event that is kept; 0 when there is none.</summary>
    public long FirstPosition => Count == 0 ? 0 : LastPosition - Count + 1;

    /// <summary>The position of the newest event.</summary>
    public long LastPosition { get; private set; }

    private int Count => Math.Min(_length, maxEvents);

    public void Add(EventBatch events)
    {
        if (events.Count == 0)
        {
            return;
        }

        _stretches.Enqueue(events.Packed);
        _length += events.Count;
        LastPosition = events.LastPosition;
        while (_stretches.TryPeek(out var oldest) && _length - oldest.Length >= maxEvents)
        {
            _length -= _stretches.Dequeue().Length;
        }
    }

    /// <summary>Events after a position.</summary>
    public IReadOnlyList<WorkflowEvent> After(long position, int limit)
    {
        // Positions are consecutive, so what is newer is found by counting from the end, not by comparing.
        var left = (int)Math.Clamp(LastPosition - position, 0, Count);
        var events = new List<WorkflowEvent>(Math.Min(left, limit));
        var behind = _length;
        foreach (var stretch in _stretches)
        {
            for (var i = Math.Max(0, behind - left); i < stretch.Length && events.Count < limit; i++)
            {
                events.Add(stretch.Span[i].ToEvent(workflowId, LastPosition - behind + i + 1));
            }

            behind -= stretch.Length;
        }

        return events;
    }
}
