namespace Conductor.State;

/// <summary>Packed events, one behind the other on a tape. Immutable: what is on a tape stays as it is.</summary>
/// <param name="names">What they refer to by number.</param>
/// <param name="tape">Where they are.</param>
/// <param name="begin">Where the first begins.</param>
/// <param name="end">Behind the last.</param>
/// <param name="count">How many they are.</param>
internal readonly struct EventStretch(EventNames names, byte[] tape, int begin, int end, int count)
{
    private readonly EventNames _names = names;
    private readonly byte[] _tape = tape;
    private readonly int _begin = begin;
    private readonly int _end = end;

    public int Count { get; } = count;

    public EventReader Read() => new(_names, _tape.AsSpan(_begin.._end));

    /// <summary>This and the next as one, if they are neighbours on one tape.</summary>
    public bool TryJoin(in EventStretch next, out EventStretch joined)
    {
        var areNeighbours = ReferenceEquals(_tape, next._tape) && _end == next._begin;
        joined = areNeighbours ? new EventStretch(_names, _tape, _begin, next._end, Count + next.Count) : default;
        return areNeighbours;
    }
}
