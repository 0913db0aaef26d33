namespace Conductor.Threading;

/// <summary>
/// Looks after the lanes of all threads from time to time: what waits for a thread that does not come back (its caller computes, or blocks it) goes to
/// others. It looks by the system's clock whatever the application's is, and only as long as lanes are used. Thread-safe.
/// </summary>
internal static class LaneWatch
{
    /// <summary>
    /// What waits, waits for two of these at most: 10 ms, some 30 where the system's timers are coarser, and until the pool has a thread for the timer.
    /// </summary>
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(5);

    private static readonly Lock _gate = new();
    private static readonly List<Lane> _lanes = [];
    private static readonly ITimer _timer = CreateTimer();

    /// <summary>Looks after this lane until nobody has used it for a while.</summary>
    public static void Add(Lane lane)
    {
        lock (_gate)
        {
            _lanes.Add(lane);
            if (_lanes.Count == 1)
            {
                _timer.Change(_interval, _interval);
            }
        }
    }

    private static void Look()
    {
        lock (_gate)
        {
            _lanes.RemoveAll(static lane => !lane.Watch());
            if (_lanes.Count == 0)
            {
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Without the execution context of whoever happens to be the first.</summary>
    private static ITimer CreateTimer()
    {
        using (ExecutionContext.SuppressFlow())
        {
            return TimeProvider.System.CreateTimer(static _ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
