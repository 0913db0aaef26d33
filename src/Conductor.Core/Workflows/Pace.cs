namespace Conductor.Workflows;

/// <summary>
/// How long something takes that is done again and again: a moving average, in which one that took very much longer (a store that was locked) counts as twice as long. Thread-safe, roughly:
/// of two that end at once one may be left out.
/// </summary>
internal sealed class Pace
{
    /// <summary>Of so many parts, the newest is one.</summary>
    private const int Parts = 8;

    private long _ticks = -1;

    /// <summary>The average; null as long as nothing is known.</summary>
    public TimeSpan? Average => Volatile.Read(ref _ticks) is >= 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>It took this time.</summary>
    public void Note(TimeSpan time)
    {
        var known = Volatile.Read(ref _ticks);
        Volatile.Write(ref _ticks, known < 0 ? time.Ticks : known + ((Math.Min(time.Ticks, 2 * Math.Max(known, Parts)) - known) / Parts));
    }
}
