namespace Conductor.Threading;

/// <summary>How often, and for how long, what a store cannot do now is tried again: soon at first, then slower. Belongs to one flow.</summary>
/// <param name="time">The clock.</param>
/// <param name="longest">How long it is tried.</param>
/// <param name="slowest">The longest time between two tries.</param>
internal struct Repetition(TimeProvider time, TimeSpan longest, TimeSpan slowest)
{
    private readonly long _startedAt = time.GetTimestamp();
    private TimeSpan _next = TimeSpan.FromMilliseconds(100);

    /// <summary>For half a minute, at most two seconds apart: for what must be kept, and is kept by nobody else.</summary>
    public static Repetition ForAWhile(TimeProvider time) => new(time, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(2));

    /// <summary>Whether it was tried for long enough.</summary>
    public readonly bool IsOver => time.GetElapsedTime(_startedAt) >= longest;

    /// <summary>The time until the next try.</summary>
    public TimeSpan NextDelay()
    {
        var delay = _next;
        _next = delay * 2 < slowest ? delay * 2 : slowest;
        return delay;
    }
}
