using System.Threading.Tasks.Sources;

namespace Conductor.Coordination;

/// <summary>
/// The answer to an attempt of one agent, used again for its next attempt: opened, claimed by exactly one of those that may answer, given by
/// that one, and awaited once.
/// </summary>
internal sealed class AttemptAnswer : IValueTaskSource<TaskResult>
{
    private ManualResetValueTaskSourceCore<TaskResult> _core;

    /// <summary>The number of the attempt whose answer nobody has claimed; 0 for none.</summary>
    private long _open;

    /// <summary>The answer; to be awaited once by whoever opened it.</summary>
    public ValueTask<TaskResult> Task => new(this, _core.Version);

    /// <summary>Opens it anew. The one before must have been awaited.</summary>
    /// <param name="attempt">The number of the attempt, never 0.</param>
    public void Open(long attempt)
    {
        _core.Reset();
        Volatile.Write(ref _open, attempt);
    }

    /// <summary>Whether the answer is what the agent has given out, and no time limit's or anybody else's in its place.</summary>
    public bool IsOfAgent { get; private set; }

    /// <summary>True for the first who claims the answer to an attempt: it must give it. Needs no lock.</summary>
    /// <param name="attempt">The number of the attempt; 0 is none's.</param>
    /// <param name="byAgent">Whether it is what the agent has given out.</param>
    public bool TryClaim(long attempt, bool byAgent = false)
    {
        if (attempt == 0 || Interlocked.CompareExchange(ref _open, 0, attempt) != attempt)
        {
            return false;
        }

        IsOfAgent = byAgent;
        return true;
    }

    /// <summary>Gives the answer.</summary>
    /// <param name="result">The answer.</param>
    /// <param name="onThisThread">Whether whoever awaits it goes on on this thread, as after any awaited method, or on another.</param>
    public void Give(TaskResult result, bool onThisThread)
    {
        _core.RunContinuationsAsynchronously = !onThisThread;
        _core.SetResult(result);
    }

    /// <summary>Gives a cancellation for an answer; whoever awaits it goes on on another thread.</summary>
    /// <param name="message">Why it was cancelled; null where whoever awaits it did so.</param>
    /// <param name="cancellationToken">By which token.</param>
    public void Cancel(string? message, CancellationToken cancellationToken)
    {
        _core.RunContinuationsAsynchronously = true;
        _core.SetException(message is null ? new OperationCanceledException(cancellationToken) : new OperationCanceledException(message, cancellationToken));
    }

    TaskResult IValueTaskSource<TaskResult>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<TaskResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<TaskResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
