using System.Runtime.CompilerServices;
using Conductor.Coordination;

namespace Conductor.Workflows;

/// <summary>
/// A task of a run while it is under way: what waits for its dispatch, and then carries its result to the run's loop. It is used again for another
/// task, which is why it is no async method: thousands may be under way at once, and each would make a state machine of its own.
/// </summary>
internal sealed class RunningTask
{
    private readonly Action _end;
    private ConfiguredValueTaskAwaitable<TaskResult>.ConfiguredValueTaskAwaiter _dispatch;

    public RunningTask() => _end = End;

    /// <summary>The runner that is told of its end.</summary>
    public WorkflowRunner? Runner { get; set; }

    /// <summary>The task's number in the plan.</summary>
    public int Index { get; set; }

    public DispatchTicket? Request { get; set; }

    /// <summary>Where it waits for its turn.</summary>
    public Turnstile.Line? Line { get; set; }

    /// <summary>Its turn alone, if it has one.</summary>
    public Turnstile.Solitude? Solitude { get; set; }

    /// <summary>Whether it has a turn, which is to be given back.</summary>
    public bool HasTurn { get; set; }

    /// <summary>What became of it; null when it is not over after all, because another owner will run it.</summary>
    public TaskResult? Result { get; set; }

    /// <summary>The next one of the list it is in.</summary>
    public RunningTask? Next { get; set; }

    /// <summary>Has the runner told when the dispatch is over, on whatever thread that is.</summary>
    public void Follow(ValueTask<TaskResult> dispatch)
    {
        _dispatch = dispatch.ConfigureAwait(false).GetAwaiter();
        if (_dispatch.IsCompleted)
        {
            End();
        }
        else
        {
            _dispatch.UnsafeOnCompleted(_end);
        }
    }

    /// <summary>What the dispatch gave. May be asked once, when it is over.</summary>
    public TaskResult TakeResult()
    {
        var dispatch = _dispatch;
        _dispatch = default;
#pragma warning disable VSTHRD002 // It is over: nothing is waited for.
        return dispatch.GetResult();
#pragma warning restore VSTHRD002
    }

    /// <summary>Lets go of its task.</summary>
    public void Clear() => (Runner, Request, Result, Line, Solitude) = (null, null, null, null, null);

    private void End() => Runner!.End(this);
}
