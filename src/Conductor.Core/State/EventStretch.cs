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

    /// <summary>Writes it down: what it refers to, and of the tape only what is its own.</summary>
    public void WriteTo(ref PackWriter pack)
    {
        pack.Put(Count);
        if (Count > 0)
        {
            _names.WriteTo(ref pack);
            pack.PutBytes(_tape.AsSpan(_begin.._end));
        }
    }

    /// <summary>Reads what was written.</summary>
    public static EventStretch Read(ref PackReader pack)
    {
        if (pack.TakeInt32() is not (var count and > 0))
        {
            return default;
        }

        var names = EventNames.Read(ref pack);
        var tape = pack.TakeBytes().ToArray();
        return new EventStretch(names, tape, 0, tape.Length, count);
    }

    /// <summary>This and the next as one, if they are neighbours on one tape.</summary>
    public bool TryJoin(in EventStretch next, out EventStretch joined)
    {
        var areNeighbours = ReferenceEquals(_tape, next._tape) && _end == next._begin;
        joined = areNeighbours ? new EventStretch(_names, _tape, _begin, next._end, Count + next.Count) : default;
        return areNeighbours;
    }
}
