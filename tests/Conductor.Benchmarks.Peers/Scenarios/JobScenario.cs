using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>Jobs that survive the process, handed in by several callers at once.</summary>
internal sealed record JobScenario(string Name, string Group, int Callers) : Scenario(Name, Group)
{
    public override Task<Workload> OpenAsync(Contender contender) => Task.FromResult<Workload>(new JobWorkload((IJobContender)contender, Callers));

    protected override bool CanRun(Contender contender) => contender is IJobContender;
}
