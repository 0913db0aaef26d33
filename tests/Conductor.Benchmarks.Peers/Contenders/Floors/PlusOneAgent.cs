namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>Answers at once.</summary>
internal sealed class PlusOneAgent : NumberAgent
{
    public override ValueTask<int> RunAsync(int number) => new(number + 1);
}
