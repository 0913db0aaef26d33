using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>Workflows one after the other, each of phases of tasks that do nothing.</summary>
internal sealed record WorkflowScenario(string Name, string Group, int Phases, int TasksPerPhase) : Scenario(Name, Group)
{
    /// <summary>Whether an operation is a task instead of a workflow.</summary>
    public bool PerTask { get; init; }

    public override async Task<Workload> OpenAsync(Contender contender)
    {
        var workflows = (IWorkflowContender)contender;
        await workflows.PrepareWorkflowAsync(Phases, TasksPerPhase);
        return new WorkflowWorkload(workflows, Phases * TasksPerPhase, PerTask);
    }

    protected override bool CanRun(Contender contender) => contender is IWorkflowContender;
}
