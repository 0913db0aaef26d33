using BenchmarkDotNet.Attributes;
using Conductor.Agents;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks;

/// <summary>A benchmark against one started container. Bytes per operation are stable between runs, times are not.</summary>
[MemoryDiagnoser]
public abstract class ConductorBenchmark
{
    private ServiceProvider? _provider;

    private protected ConductorRuntime Conductor { get; private set; } = null!;

    [GlobalCleanup]
    public async Task StopAsync()
    {
        await Conductor.DisposeAsync();
        await _provider!.DisposeAsync();
    }

    private protected async Task StartAsync(int agents, Func<BaseAgent> factory)
    {
        _provider = Setup.CreateProvider();
        Conductor = await Setup.StartAsync(_provider, agents, factory);
    }

    private protected async Task<TaskResult> DispatchAsync() =>
        (await Conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = Setup.Worker, Input = "input" })).EnsureSucceeded();
}
