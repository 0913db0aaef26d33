namespace Conductor.Testing;

/// <summary>A timer of a <see cref="VirtualTimeProvider"/>, which guards its fields by a lock of its own.</summary>
internal sealed class VirtualTimer(VirtualTimeProvider owner, TimerCallback callback, object? state) : ITimer
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private volatile bool _disposed;

    public static IComparer<VirtualTimer> ByDueTime { get; } = Comparer<VirtualTimer>.Create(static (one, other) =>
        one.DueTicks != other.DueTicks ? one.DueTicks.CompareTo(other.DueTicks) : one.Number.CompareTo(other.Number));

    public long DueTicks { get; set; }

    public long PeriodTicks { get; set; }

    /// <summary>Orders timers that come due at one time.</summary>
    public long Number { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_disposed)
        {
            return false;
        }

        owner.Set(this, dueTime, period);
        return true;
    }

    public void Fire()
    {
        if (_disposed)
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

    public void Dispose()
    {
        _disposed = true;
        owner.Remove(this);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Call() => callback(state);
}
