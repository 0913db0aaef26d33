using System.Runtime;
using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// Tells when the process has nothing more to do. It sees work that is queued on the thread pool, threads that want a processor, uses of the clock,
/// the code of the host's agents that holds threads, and what the store has under way; it does not see other I/O. To be called from a thread of its own.
/// </summary>
internal sealed class ThreadPoolActivity(VirtualTimeProvider time, StateManager state, CodeAtWork code, TimeSpan quietPeriod)
{
    private const int IdleLooks = 3;
    private const int RestingLooks = 2;
    private const int TurnsOfQueue = 4;

    // Waited for only while others (tests that run at the same time) keep the pool busy: long enough for a thread to get its turn.
    private static readonly TimeSpan _leastNoisyQuiet = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan _mostNoisyQuiet = TimeSpan.FromMilliseconds(40);

    // Where no other host lets its time pass, who keeps a processor busy is most likely what this one runs beside its agents (handlers, policies).
    private static readonly TimeSpan _quietOfOneHost = TimeSpan.FromMilliseconds(500);

    // Code of the agents that waits in no wait of .NET's waits for the machine (a page of a file, the compiler, a read of its own) and goes on by itself,
    // or for what may never come: it has this long.
    private static readonly TimeSpan _longestWaitForMachine = TimeSpan.FromMilliseconds(500);

    // Code that is compiled is about to run, and may take long before it uses the clock. (The runtime also compiles again what runs often, on a
    // thread of its own: that is not waited for for ever.)
    private static readonly TimeSpan _longestCompiling = 5 * _mostNoisyQuiet;

    private static int _settling;

    // Threads of the pool that only wait, as somebody keeps them who is nobody of ours (a test runner): learnt where nothing else happened for long.
    private static int _waitingThreads;

    private long _settledAt = -1;

    /// <summary>Waits until the pool is idle, or, where others keep it busy, until nothing has used the clock for a while.</summary>
    public void Settle(Func<bool> isDone)
    {
        Interlocked.Increment(ref _settling);
        try
        {
            WaitUntilSettled(isDone);
        }
        finally
        {
            Interlocked.Decrement(ref _settling);
        }
    }

    /// <summary>What keeps it from settling, or for how long, as far as that is not plain; a sentence and a blank, or nothing.</summary>
    public string WhatHoldsTime() => code.IsRunning
        ? "The code of an agent, or the body of the test, holds a thread without waiting, and no time passes as long as it does: let it take less real " +
            $"time, or raise {nameof(ConductorTestHostOptions)}.{nameof(ConductorTestHostOptions.RealTimeLimit)}. "
        : code.IsDisplacedAtWork
            ? "What a timer set off holds the thread that let time pass, and does not come back: let it take less real time. "
        : quietPeriod > TimeSpan.Zero
            ? $"It has to be quiet for {quietPeriod} of real time ({nameof(ConductorTestHostOptions)}.{nameof(ConductorTestHostOptions.QuietPeriod)}) before " +
                "time passes. "
        : string.Empty;

    private void WaitUntilSettled(Func<bool> isDone)
    {
        var (stamp, turns) = (time.Activity, code.Turns);

        // A tick that set nothing in motion (a poll, a renewal) needs no long look; what works by the clock does.
        var noisyQuiet = quietPeriod + (stamp == _settledAt ? _leastNoisyQuiet : _mostNoisyQuiet);
        var quietSince = TimeProvider.System.GetTimestamp();
        var compiledSince = quietSince;
        var compiled = JitInfo.GetCompiledMethodCount();
        var (looks, rests) = (0, 0);
        var spinner = default(SpinWait);
        while (!isDone())
        {
            var done = ThreadPool.CompletedWorkItemCount;

            // The store first: what it has done is work on the pool when it has nothing under way any more.
            var isAtWork = IsAtWork(ref turns);
            if (isAtWork || time.Activity != stamp)
            {
                stamp = time.Activity;
                noisyQuiet = quietPeriod + _mostNoisyQuiet;
                quietSince = compiledSince = TimeProvider.System.GetTimestamp();
                (looks, rests) = (0, 0);
                if (isAtWork)
                {
                    spinner.SpinOnce();
                }
                else
                {
                    spinner.Reset();
                }

                continue;
            }

            var quiet = TimeProvider.System.GetElapsedTime(quietSince);
            if (JitInfo.GetCompiledMethodCount() is var now && now != compiled)
            {
                compiled = now;
                compiledSince = quiet < _longestCompiling ? TimeProvider.System.GetTimestamp() : compiledSince;
                (looks, rests) = (0, 0);
            }

            var busy = BusyThreads();
            var isAtRest = busy > 0 && spinner.NextSpinWillYield && ProcessRest.IsAtRest();

            // What the pool handed to the store between the two looks, on a busy machine long ones, was seen at neither.
            var isStill = ThreadPool.CompletedWorkItemCount == done && !IsAtWork(stamp);
            looks = isStill && busy == 0 ? looks + 1 : 0;
            rests = isStill && isAtRest ? rests + 1 : 0;
            if (quiet >= quietPeriod
                && (looks >= IdleLooks || Rests(busy, rests, quiet, TimeProvider.System.GetElapsedTime(compiledSince) >= noisyQuiet))
                && !IsAtWork(stamp))
            {
                _settledAt = stamp;
                return;
            }

            spinner.SpinOnce();
        }
    }

    /// <summary>
    /// Whether the store has something under way, or something is about to begin. Where it has to be quiet for a while, so is code of the agents that was
    /// at work since the last look, or still is: its I/O is not seen, but what comes before and after. (What else the pool does may be anybody's.)
    /// </summary>
    private bool IsAtWork(ref long turns)
    {
        if (quietPeriod == TimeSpan.Zero)
        {
            return state.OperationsUnderWay > 0 || code.IsExpected;
        }

        var before = turns;
        turns = code.Turns;
        return state.OperationsUnderWay > 0 || code.IsExpected || turns != before || code.IsRunning;
    }

    /// <summary>Whether the store has something under way, something is about to begin, or the clock was used since.</summary>
    private bool IsAtWork(long stamp) => state.OperationsUnderWay > 0 || code.IsExpected || time.Activity != stamp;

    /// <summary>Threads of the pool that have work, and what is queued.</summary>
    private static long BusyThreads()
    {
        ThreadPool.GetMaxThreads(out var most, out _);
        ThreadPool.GetAvailableThreads(out var free, out _);
        return most - free + ThreadPool.PendingWorkItemCount;
    }

    /// <summary>Whether the threads that have work only wait: those that did so before, or, after a while in which nothing happened, whichever do.</summary>
    private bool Rests(long busy, int rests, TimeSpan quiet, bool isQuiet)
    {
        if (rests < RestingLooks)
        {
            // Somebody wants a processor: another test, or an agent that computes.
            return isQuiet
                && (Volatile.Read(ref _settling) > 1 || quiet >= _quietOfOneHost)
                && !code.IsRunning
                && PassesThroughQueue()
                && !code.IsRunning;
        }

        if (quiet < _longestWaitForMachine && code.IsRunning)
        {
            return false;
        }

        if (isQuiet || busy < Volatile.Read(ref _waitingThreads))
        {
            Volatile.Write(ref _waitingThreads, (int)busy);
        }

        return busy <= Volatile.Read(ref _waitingThreads);
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
}
