namespace Conductor.Threading;

/// <summary>Makes timers that outlive whoever happened to need them first.</summary>
internal static class LastingTimer
{
    /// <summary>
    /// Makes a timer that is not set, without the execution context of whoever makes it: what that holds would live as long as the timer, and be
    /// found in whatever it calls.
    /// </summary>
    /// <param name="time">The clock.</param>
    /// <param name="callback">What is called.</param>
    /// <param name="state">What it is called with.</param>
    public static ITimer Make(TimeProvider time, TimerCallback callback, object state)
    {
        if (ExecutionContext.IsFlowSuppressed())
        {
            return time.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        using (ExecutionContext.SuppressFlow())
        {
            return time.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
