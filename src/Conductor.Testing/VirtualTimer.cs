namespace Conductor.Testing;

/// <summary>A timer of a <see cref="VirtualTimeProvider"/>, which guards its fields by a lock of its own.</summary>
internal sealed class VirtualTimer(VirtualTimeProvider owner, TimerCallback callback, object? state) : ITimer
{
    // What the system's timers take, in milliseconds.
    private const long LongestTime = uint.MaxValue - 1;

    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private volatile bool _isDisposed;

    public static IComparer<VirtualTimer> ByDueTime { get; } = Comparer<VirtualTimer>.Create(static (one, other) =>
        one.DueTicks != other.DueTicks ? one.DueTicks.CompareTo(other.DueTicks) : one.Number.CompareTo(other.Number));

    public long DueTicks { get; set; }

    public long PeriodTicks { get; set; }

    /// <summary>Orders timers that come due at one time.</summary>
    public long Number { get; set; }

    public bool IsDisposed
    {
        get => _isDisposed;
        set => _isDisposed = value;
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        ThrowIfOutOfRange(dueTime, nameof(dueTime));
        ThrowIfOutOfRange(period, nameof(period));
        return owner.TrySet(this, dueTime, period);
    }

    public void Fire()
    {
        if (IsDisposed)
        {
            return;
        }

        if (_context is null)
        {
            callback(state);
        }
        else
        {
            ExecutionContext.Run(_context, static timer => ((VirtualTimer)timer!).Call(), this);
        }
    }

    public void Dispose() => owner.Remove(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>As the system's timers do, in whole milliseconds: what they refuse would first be found in production.</summary>
    private static void ThrowIfOutOfRange(TimeSpan time, string name)
    {
        var milliseconds = (long)time.TotalMilliseconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, Timeout.Infinite, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, LongestTime, name);
    }

    private void Call() => callback(state);
}
