namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>A request with a reply as most people write it.</summary>
internal sealed class TaskRequest(int number)
{
    public int Number => number;

    public TaskCompletionSource<int> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
