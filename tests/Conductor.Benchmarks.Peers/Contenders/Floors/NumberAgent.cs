namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>What the floors call.</summary>
internal abstract class NumberAgent
{
    public abstract ValueTask<int> RunAsync(int number);
}
