using System.Runtime.CompilerServices;

namespace Conductor.Threading;

/// <summary>
/// Builds async methods whose state, once they wait, is kept in objects that are used again. <see cref="PoolingAsyncValueTaskMethodBuilder{TResult}"/>
/// does the same, but keeps one object for each thread and core: a run that hands over a hundred tasks at once makes ninety-odd anew, since they are
/// given back on other threads than those that take them.
/// </summary>
/// <typeparam name="TResult">What the method gives. It must be awaited exactly once.</typeparam>
internal struct ReusingMethodBuilder<TResult>
{
    private ReusedState<TResult>? _state;
    private TResult? _result;
    private Exception? _exception;

    /// <summary>What the caller awaits.</summary>
    public readonly ValueTask<TResult> Task => _state is not null ? _state.Task
        : _exception is not null ? Failed(_exception)
        : new ValueTask<TResult>(_result!);

    public static ReusingMethodBuilder<TResult> Create() => default;

#pragma warning disable CA1822 // The compiler calls both on an instance.
    /// <summary>Runs the method up to its first wait. (The framework's own builder sees that the caller's context is as before then.)</summary>
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => AsyncValueTaskMethodBuilder<TResult>.Create().Start(ref stateMachine);

    /// <summary>Not called for state that is no class.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }
#pragma warning restore CA1822

    public void SetResult(TResult result)
    {
        if (_state is null)
        {
            _result = result;
        }
        else
        {
            _state.SetResult(result);
        }
    }

    public void SetException(Exception exception)
    {
        if (_state is null)
        {
            _exception = exception;
        }
        else
        {
            _state.SetException(exception);
        }
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(StateOf(ref stateMachine).Continuation);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(StateOf(ref stateMachine).Continuation);

    /// <summary>By the framework's own builder, which knows what counts as cancelled.</summary>
    private static ValueTask<TResult> Failed(Exception exception)
    {
        var builder = AsyncValueTaskMethodBuilder<TResult>.Create();
        builder.SetException(exception);
        return builder.Task;
    }

    private ReusedState<TResult> StateOf<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_state is null)
        {
            // In this order: this builder is a part of the state, and its copy must know where it is.
            var state = ReusedState<TResult, TStateMachine>.Take();
            _state = state;
            state.StateMachine = stateMachine;
        }

        _state.KeepContext();
        return _state;
    }
}
