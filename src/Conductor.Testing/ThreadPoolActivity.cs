namespace Conductor.Testing;

/// <summary>
/// Tells when the process has nothing more to do on the thread pool. It sees work that is queued or runs there and uses of the clock; it
/// does not see threads of somebody's own or I/O under way. To be called from a thread of its own, which is not counted.
/// </summary>
internal sealed class ThreadPoolActivity(VirtualTimeProvider time, TimeSpan quietPeriod)
{
    private const int IdleLooks = 3;
    private const int TurnsOfQueue = 4;

    // Waited for only while others (tests that run at the same time) keep the pool busy: long enough for a thread to get its turn.
    private static readonly TimeSpan _leastNoisyQuiet = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan _mostNoisyQuiet = TimeSpan.FromMilliseconds(40);

    private long _settledAt = -1;

    // Threads that somebody keeps for good (a test runner does) are no work: the least ever seen is what idle looks like here.
    private static int _idleThreads = Calibrate();

    private static bool IsPoolIdle
    {
        get
        {
            if (ThreadPool.PendingWorkItemCount > 0)
            {
                return false;
            }

            var working = WorkingThreads();
            if (working < Volatile.Read(ref _idleThreads))
            {
                Volatile.Write(ref _idleThreads, working);
            }

            return working <= Volatile.Read(ref _idleThreads);
        }
    }

    /// <summary>Waits until the pool is idle, or, where others keep it busy, until nothing has used the clock for a while.</summary>
    public void Settle(Func<bool> isDone)
    {
        var stamp = time.Activity;

        // A tick that set nothing in motion (a poll, a renewal) needs no long look; what works by the clock does.
        var noisyQuiet = quietPeriod + (stamp == _settledAt ? _leastNoisyQuiet : _mostNoisyQuiet);
        var quietSince = TimeProvider.System.GetTimestamp();
        var looks = 0;
        var spinner = default(SpinWait);
        while (!isDone())
        {
            if (time.Activity != stamp)
            {
                stamp = time.Activity;
                noisyQuiet = quietPeriod + _mostNoisyQuiet;
                quietSince = TimeProvider.System.GetTimestamp();
                looks = 0;
                spinner.Reset();
                continue;
            }

            looks = IsPoolIdle ? looks + 1 : 0;
            var quiet = TimeProvider.System.GetElapsedTime(quietSince);
            if (quiet >= quietPeriod && (looks >= IdleLooks || (quiet >= noisyQuiet && PassesThroughQueue())))
            {
                _settledAt = stamp;
                return;
            }

            spinner.SpinOnce();
        }
    }

    /// <summary>
    /// Waits until everything that is queued now has begun, as far as that can be told: a marker passes through the queue that all threads share, and
    /// since what waits in the queue of one thread is behind no marker, several times as much is to be done as waits now.
    /// </summary>
    private static bool PassesThroughQueue()
    {
        var due = ThreadPool.CompletedWorkItemCount + (TurnsOfQueue * (ThreadPool.PendingWorkItemCount + ThreadPool.ThreadCount));
        using var reached = new ManualResetEventSlim();
        ThreadPool.UnsafeQueueUserWorkItem(static state => state.Set(), reached, preferLocal: false);
        reached.Wait();
        var startedAt = TimeProvider.System.GetTimestamp();
        var spinner = default(SpinWait);
        while (ThreadPool.CompletedWorkItemCount < due
            && ThreadPool.PendingWorkItemCount > 0
            && TimeProvider.System.GetElapsedTime(startedAt) < _mostNoisyQuiet)
        {
            spinner.SpinOnce();
        }

        return true;
    }

    private static int WorkingThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var free, out _);
        return most - free;
    }

    private static int Calibrate()
    {
        var startedAt = TimeProvider.System.GetTimestamp();
        var least = WorkingThreads();
        while (TimeProvider.System.GetElapsedTime(startedAt) < _mostNoisyQuiet)
        {
            least = Math.Min(least, WorkingThreads());
        }

        return least;
    }
}
