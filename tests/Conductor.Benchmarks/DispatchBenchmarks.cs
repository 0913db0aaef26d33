using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>One task dispatched by a single caller that has the agents to itself.</summary>
public class DispatchBenchmarks : ConductorBenchmark
{
    [GlobalSetup]
    public Task StartAsync() => StartAsync(agents: 8, static () => new EchoAgent());

    [Benchmark]
    public Task<TaskResult> OneCallerAsync() => DispatchAsync();
}
