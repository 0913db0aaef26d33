using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>One task dispatched by a single caller, however many agents of the type there are.</summary>
public class RegistryBenchmarks : ConductorBenchmark
{
    [Params(10, 1_000, 100_000)]
    public int Agents { get; set; }

    [GlobalSetup]
    public Task StartAsync() => StartAsync(Agents, static () => new EchoAgent());

    [Benchmark]
    public Task<TaskResult> OneCallerAsync() => DispatchAsync();
}
