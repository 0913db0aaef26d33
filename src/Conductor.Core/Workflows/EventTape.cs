using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// The events of a run as its loop notes them, one behind the other. A step takes those since the step before, without a copy: what is on the tape
/// stays as it is. Not thread-safe: it belongs to one run's loop.
/// </summary>
internal sealed class EventTape(string workflowId, int expected)
{
    // A longer run goes on on another tape when one is full. A store that keeps one event keeps its tape, so none is much longer than what is on it.
    private const int FirstLength = 256;
    private const int MaxLength = 1_536;

    private RetainedEvent[] _tape = new RetainedEvent[Math.Min(expected, FirstLength)];
    private int _begin;
    private int _end;

    public bool IsEmpty => _begin == _end;

    /// <summary>The position of the next event.</summary>
    public long NextPosition { get; private set; } = 1;

    public void Add(in RetainedEvent happening)
    {
        if (_end == _tape.Length)
        {
            var rest = _tape.AsSpan(_begin.._end);
            var next = new RetainedEvent[Math.Max(2 * rest.Length, Math.Min(2 * _tape.Length, MaxLength))];
            rest.CopyTo(next);
            (_tape, _begin, _end) = (next, 0, rest.Length);
        }

        _tape[_end++] = happening;
        NextPosition++;
    }

    /// <summary>Takes the events since this was called last.</summary>
    public EventBatch Take()
    {
        var batch = new EventBatch(workflowId, NextPosition - (_end - _begin), _tape.AsMemory(_begin.._end));
        _begin = _end;
        return batch;
    }

    /// <summary>Goes on behind what the store has.</summary>
    public void Continue(long lastPosition) => NextPosition = lastPosition + 1;
}
