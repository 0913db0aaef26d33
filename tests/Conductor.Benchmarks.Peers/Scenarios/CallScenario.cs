using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>Callers that call workers, each one call after the other.</summary>
internal sealed record CallScenario(string Name, string Group, int Callers, int Workers, bool Suspending = false) : Scenario(Name, Group)
{
    /// <summary>From how many workers on the memory of one can be told from noise.</summary>
    private const int EnoughToWeigh = 1_000;

    /// <summary>The first few pay for what all share.</summary>
    private const int First = 10;

    public override async Task<Workload> OpenAsync(Contender contender)
    {
        var calls = (ICallContender)contender;
        await calls.AddWorkersAsync(Math.Min(First, Workers), Suspending);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await calls.AddWorkersAsync(Math.Max(Workers - First, 0), Suspending);
        var added = GC.GetTotalMemory(forceFullCollection: true) - before;
        return new CallWorkload(calls, Callers) { IdleBytes = Workers < EnoughToWeigh ? null : (double)added / (Workers - First) };
    }

    protected override bool CanRun(Contender contender) => contender is ICallContender;
}
