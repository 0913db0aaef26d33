namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>Answers after it suspended once.</summary>
internal sealed class SuspendingAgent : NumberAgent
{
    public override async ValueTask<int> RunAsync(int number)
    {
        await Task.Yield();
        return number + 1;
    }
}
