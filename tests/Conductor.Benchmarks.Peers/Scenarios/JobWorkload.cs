using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>An operation is a job, from handing it in until it is done.</summary>
internal sealed class JobWorkload(IJobContender contender, int callers) : Workload
{
    protected override int Granularity => callers;

    public override Task RunAsync(int operations) => contender.RunJobsAsync(operations, callers);
}
