using System.Threading.Tasks.Sources;

namespace Conductor.Benchmarks.Peers.Contenders.Floors;

/// <summary>Request and awaitable reply in one object that is used again for the next call.</summary>
internal sealed class PooledRequest : IValueTaskSource<int>
{
    // Asynchronously, like every contender with a queue: the callee's thread does not run on as the caller.
    private ManualResetValueTaskSourceCore<int> _reply = new() { RunContinuationsAsynchronously = true };

    public int Number { get; private set; }

    /// <summary>What comes back. To be awaited once for each number.</summary>
    public ValueTask<int> Reply => new(this, _reply.Version);

    public void Begin(int number)
    {
        _reply.Reset();
        Number = number;
    }

    public void Complete(int result) => _reply.SetResult(result);

    public int GetResult(short token) => _reply.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _reply.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _reply.OnCompleted(continuation, state, token, flags);
}
