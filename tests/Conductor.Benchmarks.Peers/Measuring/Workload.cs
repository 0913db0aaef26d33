namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Operations that can be run as often as it takes, on a contender that is ready.</summary>
internal abstract class Workload
{
    /// <summary>The latencies of single operations, where there are several callers or the operation is a call.</summary>
    public LatencyHistogram Latencies { get; } = new();

    /// <summary>What a worker holds on to while it has nothing to do, where that was measured.</summary>
    public double? IdleBytes { get; init; }

    /// <summary>How many requests or messages of the caller's own make an operation.</summary>
    public virtual double RequestsPerOperation => 1;

    /// <summary>Operations can only be run in multiples of this.</summary>
    protected abstract int Granularity { get; }

    /// <summary>Runs so many operations, and checks their results.</summary>
    public abstract Task RunAsync(int operations);

    /// <summary>What a caller makes by itself for a request.</summary>
    public virtual object? CreateRequest(int number) => null;

    /// <summary>The next number of operations that can be run: at least one portion, at most what can be counted and doubled.</summary>
    public int RoundUp(double operations)
    {
        var portions = Math.Clamp(Math.Ceiling(operations / Granularity), 1, int.MaxValue / 2 / Granularity);
        return (int)portions * Granularity;
    }
}
