using BenchmarkDotNet.Attributes;
using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>A workflow of 3 phases with 10 tasks each, and one task of a small and of a large workflow.</summary>
public class WorkflowBenchmarks : ConductorBenchmark
{
    private const int Small = 100;
    private const int Large = 10_000;

    private readonly WorkflowDefinition _threeTimesTen = Define(
        [WorkflowPhase.Development, WorkflowPhase.DevOps, WorkflowPhase.Monitoring], tasksPerPhase: 10);

    private readonly WorkflowDefinition _small = Define([WorkflowPhase.Development], Small);
    private readonly WorkflowDefinition _large = Define([WorkflowPhase.Development], Large);

    [GlobalSetup]
    public Task StartAsync() => StartAsync(agents: 8, static () => new EchoAgent());

    [Benchmark]
    public Task<WorkflowState> ThreeTimesTenTasksAsync() => RunAsync(_threeTimesTen);

    [Benchmark(OperationsPerInvoke = Small)]
    public Task<WorkflowState> TaskOfSmallWorkflowAsync() => RunAsync(_small);

    [Benchmark(OperationsPerInvoke = Large)]
    public Task<WorkflowState> TaskOfLargeWorkflowAsync() => RunAsync(_large);

    private static WorkflowDefinition Define(WorkflowPhase[] phases, int tasksPerPhase)
    {
        var workflow = WorkflowDefinition.Create("benchmark");
        foreach (var phase in phases)
        {
            workflow.Phase(phase, tasks =>
            {
                for (var i = 0; i < tasksPerPhase; i++)
                {
                    tasks.Task($"{phase}-{i}", Setup.Worker);
                }
            });
        }

        return workflow.Build();
    }

    private async Task<WorkflowState> RunAsync(WorkflowDefinition workflow) =>
        (await Conductor.Workflows.RunWorkflowAsync(workflow)).EnsureCompleted();
}
