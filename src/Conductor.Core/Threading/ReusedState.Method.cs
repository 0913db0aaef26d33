using System.Runtime.CompilerServices;

namespace Conductor.Threading;

/// <summary>The state of one async method, with those of its calls that are over, to be used again.</summary>
internal sealed class ReusedState<TResult, TStateMachine> : ReusedState<TResult>
    where TStateMachine : IAsyncStateMachine
{
    /// <summary>More are left to the collector. A run hands over 128 tasks of a type at once, see WorkflowOptions.TaskWindow.</summary>
    private const int MostToKeep = 256;

    private static readonly Lock _gate = new();
    private static readonly Stack<ReusedState<TResult, TStateMachine>> _spare = new();

    /// <summary>The one given back last on this thread: nearly always the next to be taken, and then without a lock.</summary>
    [ThreadStatic]
    private static ReusedState<TResult, TStateMachine>? _own;

    private TStateMachine? _stateMachine;

    /// <summary>The method's own state.</summary>
    public TStateMachine StateMachine
    {
        set => _stateMachine = value;
    }

    public static ReusedState<TResult, TStateMachine> Take()
    {
        if (_own is { } own)
        {
            _own = null;
            return own;
        }

        lock (_gate)
        {
            if (_spare.TryPop(out var spare))
            {
                return spare;
            }
        }

        return new ReusedState<TResult, TStateMachine>();
    }

    protected override void MoveNext() => _stateMachine!.MoveNext();

    protected override void GiveBack()
    {
        _stateMachine = default;
        if (_own is null)
        {
            _own = this;
            return;
        }

        lock (_gate)
        {
            if (_spare.Count < MostToKeep)
            {
                _spare.Push(this);
            }
        }
    }
}
