using System.Threading.Tasks.Sources;

namespace Conductor.Threading;

/// <summary>The state of an async method while it waits, as its caller sees it.</summary>
internal abstract class ReusedState<TResult> : IValueTaskSource<TResult>
{
    private static readonly ContextCallback _moveNext = static state => ((ReusedState<TResult>)state!).MoveNext();

    private ManualResetValueTaskSourceCore<TResult> _core;
    private ExecutionContext? _context;

    protected ReusedState() => Continuation = GoOn;

    /// <summary>Goes on with the method.</summary>
    public Action Continuation { get; }

    public ValueTask<TResult> Task => new(this, _core.Version);

    /// <summary>The method goes on in the context in which it waits.</summary>
    public void KeepContext() => _context = ExecutionContext.Capture();

    public void SetResult(TResult result) => _core.SetResult(result);

    public void SetException(Exception exception) => _core.SetException(exception);

    public TResult GetResult(short token)
    {
        // Whoever awaits a call twice, or does not wait, must not disturb the call that has this state by now: the first throws here.
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("A ValueTask that is not over has no result: await it, once.");
        }

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            _context = null;
            GiveBack();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Runs the method up to its next wait, or its end.</summary>
    protected abstract void MoveNext();

    /// <summary>It was awaited: it may be used again.</summary>
    protected abstract void GiveBack();

    private void GoOn()
    {
        if (_context is { } context)
        {
            ExecutionContext.Run(context, _moveNext, this);
        }
        else
        {
            MoveNext();
        }
    }
}
