using System.Diagnostics;
using System.Numerics;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Counts of latencies in buckets of 3 %, made once: taking a latency allocates nothing. Thread-safe.</summary>
internal sealed class LatencyHistogram
{
    private const int StepsPerDoubling = 32;
    private const int StepBits = 5;

    private static readonly double _nanosecondsPerTick = 1_000_000_000.0 / Stopwatch.Frequency;

    private readonly long[] _counts = new long[(64 - StepBits) * StepsPerDoubling];

    /// <summary>Takes the time since a timestamp of <see cref="Stopwatch"/>; a <see cref="TimeSpan"/> would round it to 100 ns.</summary>
    public void AddSince(long timestamp) =>
        Interlocked.Increment(ref _counts[BucketOf((long)((Stopwatch.GetTimestamp() - timestamp) * _nanosecondsPerTick))]);

    public void Clear() => Array.Clear(_counts);

    /// <summary>The latency in nanoseconds below which a share of all lies, or null when there are none.</summary>
    public double? Percentile(double share)
    {
        var total = _counts.Sum();
        var rank = (long)Math.Ceiling(total * share);
        long seen = 0;
        for (var bucket = 0; total > 0 && bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return (LowerBoundOf(bucket) + LowerBoundOf(bucket + 1)) / 2.0;
            }
        }

        return null;
    }

    /// <summary>Below 64 each nanosecond has its bucket; from there on each doubling has 32.</summary>
    private static int BucketOf(long nanoseconds)
    {
        var value = (ulong)Math.Max(nanoseconds, 0);
        var shift = Math.Max(BitOperations.Log2(value | 1) - StepBits, 0);
        return (shift * StepsPerDoubling) + (int)(value >> shift);
    }

    private static double LowerBoundOf(int bucket)
    {
        var shift = Math.Max((bucket / StepsPerDoubling) - 1, 0);
        return Math.ScaleB(bucket - (shift * StepsPerDoubling), shift);
    }
}
