using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>A dispatch by the size of what the task takes in and gives out.</summary>
public class PayloadBenchmarks : ConductorBenchmark
{
    private TaskData _payload = TaskData.Empty;

    [Params(100, 10_000, 1_000_000)]
    public int Characters { get; set; }

    [GlobalSetup]
    public async Task StartAsync()
    {
        _payload = new string('x', Characters);
        await StartAsync(agents: 8, static () => new EchoAgent());
    }

    [Benchmark]
    public async Task<TaskResult> OneCallerAsync() =>
        await Conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = Setup.Worker, Input = _payload });
}
