namespace Conductor.Tests.Support;

/// <summary>A clock that goes on by a step whenever somebody looks at it.</summary>
internal sealed class TickingTimeProvider(TimeSpan step) : TimeProvider
{
    private long _looks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Increment(ref _looks) * step.Ticks;
}
