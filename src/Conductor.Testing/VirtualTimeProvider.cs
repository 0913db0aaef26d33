namespace Conductor.Testing;

/// <summary>
/// A clock that stands still until it is advanced. Timers, delays and time limits that were made with it come due only then, in the order
/// of their times and, at one time, in the order they were set.
/// </summary>
/// <remarks>
/// Thread-safe. Timer callbacks run on the thread that advances the clock, with the execution context in which the timer was made, as those
/// of the system's timers do. One thread should advance at a time.
/// </remarks>
public sealed class VirtualTimeProvider : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly SortedSet<VirtualTimer> _timers = new(VirtualTimer.ByDueTime);
    private readonly DateTimeOffset _startedAt;
    private long _elapsedTicks;
    private long _wallShiftTicks;
    private long _lastNumber;
    private long _activity;

    /// <summary>Makes a clock.</summary>
    /// <param name="startAt">The time it starts at; of another offset, the same moment in UTC. Default: 1 January 2030, midnight, UTC.</param>
    public VirtualTimeProvider(DateTimeOffset? startAt = null) =>
        _startedAt = startAt?.ToUniversalTime() ?? new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Always UTC, so that no test depends on where it runs.</summary>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Ticks of 100 nanoseconds: what a <see cref="TimeSpan"/> counts in.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>The time that has passed since the clock was made.</summary>
    public TimeSpan Elapsed => new(Interlocked.Read(ref _elapsedTicks));

    /// <summary>How many timers are set and have not come due.</summary>
    public int TimerCount
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count;
            }
        }
    }

    /// <summary>The time from now until the next timer comes due; null when none is set.</summary>
    public TimeSpan? TimeToNextTimer
    {
        get
        {
            lock (_gate)
            {
                return _timers.Min is { } next ? new TimeSpan(Math.Max(0, next.DueTicks - _elapsedTicks)) : null;
            }
        }
    }

    /// <summary>Grows with every use of the clock: code that asks for the time or sets a timer is at work.</summary>
    internal long Activity => Interlocked.Read(ref _activity);

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        Interlocked.Increment(ref _activity);
        return _startedAt.AddTicks(Interlocked.Read(ref _elapsedTicks) + Interlocked.Read(ref _wallShiftTicks));
    }

    /// <inheritdoc />
    public override long GetTimestamp()
    {
        Interlocked.Increment(ref _activity);

        // Never 0: code that measures may take 0 for "not measured".
        return Interlocked.Read(ref _elapsedTicks) + 1;
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException">
    /// One of the times is negative and not <see cref="Timeout.InfiniteTimeSpan"/>, or more than 4,294,967,294 milliseconds (49 days): the system's timers
    /// refuse them, too.
    /// </exception>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets time pass: every timer that comes due meanwhile fires at its own time.</summary>
    /// <param name="duration">How long; zero or more, and not past the year 9999, which is the last that a clock can show.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is negative, or goes past what a clock can show: nothing was advanced.</exception>
    /// <remarks>
    /// It does not wait for what the timers set off: <see cref="ConductorTestHost.AdvanceAsync"/> does. A timer whose callback sets it for now each
    /// time keeps it from returning.
    /// </remarks>
    public void Advance(TimeSpan duration)
    {
        ThrowIfOutOfRange(duration);
        Advance(Interlocked.Read(ref _elapsedTicks) + duration.Ticks, lastNumber: long.MaxValue);
    }

    /// <summary>
    /// Advances to the next timer and fires it, with all others that are set for the same time. Those that they set for that time are left for the next
    /// call: a timer that is set for now again and again does not hold it up.
    /// </summary>
    /// <returns>False when no timer is set: the clock was not moved.</returns>
    public bool AdvanceToNextTimer()
    {
        if (!TryMoveToNextTimer(target: null, out var last))
        {
            return false;
        }

        FireUpTo(last);
        return true;
    }

    /// <summary>
    /// Sets the wall clock forward or back, as an administrator or a time server does: <see cref="GetUtcNow"/> jumps, timers and timestamps
    /// do not notice.
    /// </summary>
    /// <param name="shift">How far; negative for back.</param>
    public void ShiftWallClock(TimeSpan shift) => Interlocked.Add(ref _wallShiftTicks, shift.Ticks);

    /// <summary>Refuses what no clock can show any more: it would be a time before the present one, or none at all.</summary>
    internal void ThrowIfOutOfRange(TimeSpan duration)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        var ahead = Math.Max(0, Interlocked.Read(ref _wallShiftTicks)) + Interlocked.Read(ref _elapsedTicks);
        var longest = new TimeSpan(Math.Max(0, (DateTimeOffset.MaxValue - _startedAt).Ticks - ahead));
        if (duration > longest)
        {
            throw new ArgumentOutOfRangeException(
                nameof(duration), duration, $"A clock shows times up to the end of the year 9999: advance this one by {longest} at most.");
        }
    }

    /// <summary>Moves the clock to the next timer, which <see cref="FireUpTo"/> then fires.</summary>
    /// <param name="target">Where none comes due by this time it is moved to that; null: then it is not moved.</param>
    /// <param name="lastNumber">The number of the last timer that was set before.</param>
    /// <returns>Whether there is a timer to be fired.</returns>
    internal bool TryMoveToNextTimer(TimeSpan? target, out long lastNumber)
    {
        lock (_gate)
        {
            // At once: whatever another thread sets from here on comes due later, or is left.
            lastNumber = _lastNumber;
            var isSet = _timers.Min is { } next && next.DueTicks <= (target?.Ticks ?? long.MaxValue);
            _elapsedTicks = Math.Max(_elapsedTicks, isSet ? _timers.Min!.DueTicks : target?.Ticks ?? 0);
            return isSet;
        }
    }

    /// <summary>Fires the timers that are due now, up to a number.</summary>
    internal void FireUpTo(long lastNumber) => Advance(Interlocked.Read(ref _elapsedTicks), lastNumber);

    /// <summary>Sets a timer.</summary>
    /// <returns>False when it is disposed: it is left as it is.</returns>
    internal bool TrySet(VirtualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            // Here: between a look and the lock it may be disposed of by another thread, and would be set for ever.
            if (timer.IsDisposed)
            {
                return false;
            }

            Interlocked.Increment(ref _activity);
            _timers.Remove(timer);
            timer.PeriodTicks = period > TimeSpan.Zero ? period.Ticks : 0;
            if (dueTime >= TimeSpan.Zero)
            {
                timer.DueTicks = _elapsedTicks + dueTime.Ticks;
                timer.Number = ++_lastNumber;
                _timers.Add(timer);
            }

            return true;
        }
    }

    /// <summary>Ends a timer.</summary>
    internal void Remove(VirtualTimer timer)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _activity);
            timer.IsDisposed = true;
            _timers.Remove(timer);
            timer.PeriodTicks = 0;
        }
    }

    private void Advance(long target, long lastNumber)
    {
        while (TryTakeDue(target, lastNumber, out var timer))
        {
            timer.Fire();
        }

        lock (_gate)
        {
            _elapsedTicks = Math.Max(_elapsedTicks, target);
        }
    }

    /// <summary>Takes the next timer that comes due, of those up to a number.</summary>
    private bool TryTakeDue(long target, long lastNumber, out VirtualTimer timer)
    {
        lock (_gate)
        {
            if (_timers.Min is not { } next || next.DueTicks > target || next.Number > lastNumber)
            {
                timer = null!;
                return false;
            }

            timer = next;
            _timers.Remove(next);
            _elapsedTicks = Math.Max(_elapsedTicks, next.DueTicks);
            if (next.PeriodTicks > 0)
            {
                next.DueTicks += next.PeriodTicks;
                next.Number = ++_lastNumber;
                _timers.Add(next);
            }

            return true;
        }
    }
}
