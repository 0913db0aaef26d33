using System.Diagnostics;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Warms a workload up, runs it for a while, and says what an operation takes.</summary>
internal static class Meter
{
    public static async Task<Measurement> MeasureAsync(Workload workload, Timing timing, string contender, string scenario)
    {
        var rate = await WarmUpAsync(workload, timing);
        var operations = workload.RoundUp(rate * timing.Measure.TotalSeconds);
        workload.Latencies.Clear();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        var bytesBefore = GC.GetTotalAllocatedBytes(precise: true);
        var startedAt = Stopwatch.GetTimestamp();
        await workload.RunAsync(operations);
        var elapsed = Stopwatch.GetElapsedTime(startedAt);
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - bytesBefore;
        return new Measurement
        {
            Contender = contender,
            Scenario = scenario,
            Nanoseconds = elapsed.TotalNanoseconds / operations,
            Bytes = (double)bytes / operations,
            RequestBytes = BytesOf(workload),
            P50 = workload.Latencies.Percentile(0.50),
            P99 = workload.Latencies.Percentile(0.99),
            IdleBytes = workload.IdleBytes,
        };
    }

    /// <summary>Runs batches that double until they are long enough to tell a rate by.</summary>
    /// <returns>Operations per second of the last batch.</returns>
    private static async Task<double> WarmUpAsync(Workload workload, Timing timing)
    {
        // The first operation compiles, and in one contender generates code: nothing to tell a rate by.
        var operations = workload.RoundUp(1);
        await workload.RunAsync(operations);
        var begunAt = Stopwatch.GetTimestamp();
        var total = 0L;
        while (true)
        {
            var startedAt = Stopwatch.GetTimestamp();
            await workload.RunAsync(operations);
            var elapsed = Stopwatch.GetElapsedTime(startedAt);
            total += operations;
            var sinceBegun = Stopwatch.GetElapsedTime(begunAt);
            if ((sinceBegun >= timing.WarmUp && total >= timing.WarmUpOperations) || sinceBegun >= timing.WarmUp * 3)
            {
                return operations / elapsed.TotalSeconds;
            }

            if (elapsed < timing.WarmUp / 6)
            {
                operations = workload.RoundUp(operations * 2.0);
            }
        }
    }

    /// <summary>What the caller's own part of an operation allocates, made by itself.</summary>
    private static double BytesOf(Workload workload)
    {
        const int count = 10_000;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < count; i++)
        {
            workload.CreateRequest(i);
        }

        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)count * workload.RequestsPerOperation;
    }
}
