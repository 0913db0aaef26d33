namespace Conductor.Workflows;

/// <summary>
/// How long something takes that is done again and again: a moving average. Thread-safe, roughly: of two that end at once one may be left out.
/// </summary>
/// <param name="mostAtFirst">
/// Where single ones may take very much longer for reasons of their own (a store that is locked): what the first counts as at most. Later ones
/// count as twice the average at most. Default: each counts as long as it took.
/// </param>
internal sealed class Pace(TimeSpan? mostAtFirst = null)
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
        var ticks = mostAtFirst is { } most ? Math.Min(time.Ticks, known < 0 ? most.Ticks : 2 * Math.Max(known, Parts)) : time.Ticks;
        Volatile.Write(ref _ticks, known < 0 ? ticks : known + ((ticks - known) / Parts));
    }
}
