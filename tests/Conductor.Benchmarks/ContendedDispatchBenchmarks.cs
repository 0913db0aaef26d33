using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>One task of many, dispatched by many callers at once over 8 agents that suspend once for each.</summary>
public class ContendedDispatchBenchmarks : ConductorBenchmark
{
    private const int Dispatches = 8_000;

    [Params(64, 1000)]
    public int Callers { get; set; }

    [GlobalSetup]
    public Task StartAsync() => StartAsync(agents: 8, static () => new SuspendingAgent());

    [Benchmark(OperationsPerInvoke = Dispatches)]
    public Task ManyCallersAsync() => Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => CallAsync(Dispatches / Callers)));

    private async Task CallAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await DispatchAsync();
        }
    }
}
