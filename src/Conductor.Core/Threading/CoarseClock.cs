namespace Conductor.Threading;

/// <summary>
/// A monotonic clock for what is measured in minutes: of the system's own the count of its ticks, some milliseconds each, which costs a quarter of
/// a timestamp; any other clock as it is. Thread-safe.
/// </summary>
internal readonly struct CoarseClock(TimeProvider time)
{
    private readonly bool _isSystem = ReferenceEquals(time, TimeProvider.System);

    /// <summary>The time since some moment in the past, the same for all readings.</summary>
    public TimeSpan Now => _isSystem ? TimeSpan.FromMilliseconds(Environment.TickCount64) : time.GetElapsedTime(0, time.GetTimestamp());
}
