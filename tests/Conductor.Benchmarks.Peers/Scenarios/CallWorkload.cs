using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Scenarios;

/// <summary>An operation is a call.</summary>
internal sealed class CallWorkload(ICallContender contender, int callers) : Workload
{
    protected override int Granularity => callers;

    public override Task RunAsync(int operations) => Task.WhenAll(Enumerable.Range(0, callers)
        .Select(index => new Caller(index, operations / callers, Latencies))
        .Select(caller => Task.Run(() => contender.CallAsync(caller))));

    public override object? CreateRequest(int number) => contender.CreateRequest(number);
}
