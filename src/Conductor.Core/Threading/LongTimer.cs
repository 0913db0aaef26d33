namespace Conductor.Threading;

/// <summary>Calls back once when a time is over, however long that is: of more than a timer takes, one stretch after the other. Thread-safe.</summary>
internal sealed class LongTimer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _due;
    private readonly long _begunAt;
    private readonly Action<object> _callback;
    private readonly object _state;
    private readonly ITimer _timer;

    /// <summary>Starts it.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="due">The time; at once when it is not over zero.</param>
    /// <param name="callback">What is called.</param>
    /// <param name="state">What it is called with.</param>
    public LongTimer(TimeProvider time, TimeSpan due, Action<object> callback, object state)
    {
        (_time, _due, _callback, _state) = (time, due > TimeSpan.Zero ? due : TimeSpan.Zero, callback, state);
        _begunAt = time.GetTimestamp();

        // Set only when it is known here: it may go off at once.
        _timer = time.CreateTimer(static timer => ((LongTimer)timer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        StartStretch(_due);
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>One stretch is over before the next begins: no two of these run at once.</summary>
    private void OnTimer()
    {
        var left = _due - _time.GetElapsedTime(_begunAt);
        if (left > TimeSpan.Zero)
        {
            StartStretch(left);
        }
        else
        {
            _callback(_state);
        }
    }

    private void StartStretch(TimeSpan left) => _timer.Change(TimerRange.AtMost(left), Timeout.InfiniteTimeSpan);
}
