using System.Diagnostics;
using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>An operation is a workflow, or a task of one.</summary>
internal sealed class WorkflowWorkload(IWorkflowContender contender, int tasks, bool perTask) : Workload
{
    protected override int Granularity => perTask ? tasks : 1;

    public override async Task RunAsync(int operations)
    {
        for (var run = 0; run < operations / Granularity; run++)
        {
            var startedAt = Stopwatch.GetTimestamp();
            var right = await contender.RunWorkflowAsync();
            Latencies.AddSince(startedAt);
            if (right != tasks)
            {
                throw new InvalidOperationException($"{right} of {tasks} tasks gave the right result.");
            }
        }
    }
}
