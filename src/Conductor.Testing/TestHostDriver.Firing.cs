namespace Conductor.Testing;

/// <content>Timers that fire, and what becomes of the time that others wait for when one of them does not come back.</content>
internal sealed partial class TestHostDriver
{
    // In so many looks, a pause apart, the thread that drives has to be blocked each time.
    private const int BlockedLooks = 5;

    // Most timers have fired long before: whoever watches looks no more often than this.
    private static readonly TimeSpan _watch = TimeSpan.FromMilliseconds(5);

    // Whether the thread that drives fires timers at the moment, the how many-th time, since when, and who watches it, under the lock.
    private bool _isFiring;
    private long _firing;
    private long _firingSince;
    private Thread? _watcher;

    private void Fire(long lastNumber)
    {
        Thread? begun = null;
        lock (_gate)
        {
            _isFiring = true;
            _firing++;
            _firingSince = TimeProvider.System.GetTimestamp();
            if (_watcher is null)
            {
                begun = _watcher = NewThread(Watch);
            }
        }

        begun?.UnsafeStart();
        try
        {
            time.FireUpTo(lastNumber);
        }
        finally
        {
            lock (_gate)
            {
                _isFiring &= _driver != Thread.CurrentThread;
                if (_driver != Thread.CurrentThread)
                {
                    code.Return(Thread.CurrentThread);
                }
            }
        }
    }

    /// <summary>
    /// What a timer sets off goes on on the thread that drives, and may block it until what somebody waits for comes, which takes time: then this
    /// thread drives in its place. It does not as long as that one only works, but for those whose real time is over meanwhile. It ends with the last
    /// request.
    /// </summary>
    private void Watch()
    {
        using var pause = new ManualResetEventSlim(initialState: false, spinCount: 0);
        var (seen, blocked, isLong) = (0L, 0, false);
        while (true)
        {
            pause.Wait(isLong ? _pause : _watch);
            lock (_gate)
            {
                if (_driver is null)
                {
                    _watcher = null;
                    return;
                }

                isLong = _isFiring && _firing == seen;
                seen = _firing;
                blocked = isLong && _driver.ThreadState.HasFlag(ThreadState.WaitSleepJoin) ? blocked + 1 : 0;
                if (blocked < BlockedLooks && !(isLong && IsFiringOver()))
                {
                    continue;
                }

                code.Displace(_driver);
                (_driver, _isFiring, _watcher) = (Thread.CurrentThread, false, null);
                break;
            }
        }

        Drive();
    }

    /// <summary>Whether somebody's real time is over while timers fire: nobody else would say so.</summary>
    private bool IsFiringOver() => IsOver(_firingSince, options.RealTimeLimit) || Array.Exists(_requests, IsOver);
}
