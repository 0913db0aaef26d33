using System.Diagnostics;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <content>Running the agent's code, on whatever thread, and what follows when it is over.</content>
internal abstract partial class AgentMailbox
{
    private SuspendedRun? _suspended;
    private Briefness _briefness;

    /// <summary>Runs the attempt that was begun and awaits this thread. Never throws.</summary>
    /// <returns>False when there is none.</returns>
    public bool RunLed()
    {
        if (Volatile.Read(ref _awaitsLeader) == 0 || Interlocked.Exchange(ref _awaitsLeader, 0) == 0)
        {
            return false;
        }

        Run();
        return true;
    }

    /// <inheritdoc />
    void ILaneItem.Run() => Run();

    /// <summary>Notes how long its agent's task held the thread.</summary>
    public void Held(TimeSpan time) => _briefness.Note(time < Lane.Slice);

    private void Run()
    {
        var attempt = _current!;
        var context = ThreadContext.Capture();
        var result = Begin(attempt);
        context.Restore();
        if (result is not null)
        {
            Return(attempt, result);
        }
    }

    /// <summary>Runs the agent's code up to its first wait.</summary>
    /// <returns>The result; null when the code waits, and <see cref="Finish"/> is called when it is over.</returns>
    private TaskResult? Begin(TaskContext attempt)
    {
        Activity? span = null;
        try
        {
            host.OnBegin?.Invoke(attempt);
            var run = agent.BeginTask(attempt, out span, _cancellation!.Token);
            if (run.IsCompleted)
            {
                return Finish(attempt, span, run);
            }

            (_suspended ??= new SuspendedRun(this)).Await(attempt, span, run);
            return null;
        }
#pragma warning disable CA1031 // Whatever it was, the attempt is over and somebody waits for its result.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Broken(attempt, span, exception);
        }
    }

    private TaskResult Finish(TaskContext attempt, Activity? span, ValueTask<TaskData> run)
    {
        try
        {
            return BaseAgent.EndTask(attempt, span, run, _cancellation!.Token);
        }
#pragma warning disable CA1031 // Whatever it was, the attempt is over and somebody waits for its result.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Broken(attempt, span, exception);
        }
    }

    /// <summary>Not the agent's code failed, whose exceptions are results by now, but a listener of traces or metrics, or a logger.</summary>
    private TaskResult Broken(TaskContext attempt, Activity? span, Exception exception)
    {
        var result = attempt.ToResult(AgentTaskStatus.Failed, host.Environment.Classify(exception, attempt.Task, attempt.WorkflowId));
        try
        {
            Log.RunFailed(host.Logger, exception, Id, attempt.Task.Id);
            span?.Dispose();
        }
#pragma warning disable CA1031 // A listener or a logger that fails again must not end the process; nobody is left to be told.
        catch (Exception)
#pragma warning restore CA1031
        {
        }

        return result;
    }

    private void Return(TaskContext attempt, TaskResult result)
    {
        attempt.EndCode();
        if (attempt.HasScope)
        {
            _ = ReturnScopedAsync(attempt, result);
        }
        else
        {
            Conclude(attempt, result, isClaimed: false);
        }
    }

    /// <summary>
    /// Ends the task's scope before its result is published. The task is done: a time limit that passes meanwhile takes nothing from its result.
    /// What does not end within the grace period is left to itself; so is, a grace period after the time limit, what holds the thread instead of
    /// waiting.
    /// </summary>
    private async Task ReturnScopedAsync(TaskContext attempt, TaskResult result)
    {
        ScopedReturn end;
        lock (this)
        {
            attempt.Return = end = new ScopedReturn(this, attempt, result, attempt.TryClaimResult());
        }

        var ending = attempt.EndScopeAsync();
        if (!ending.IsCompletedSuccessfully)
        {
            await ending.AsTask().WaitAsync(host.GracePeriod, host.Environment.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        end.TryConclude(isLeft: !ending.IsCompleted);
    }

    /// <summary>Concludes an attempt whose code is over and whose scope does not end.</summary>
    /// <returns>False when that is not what it waits for.</returns>
    protected bool TryLeaveScope(long attempt)
    {
        ScopedReturn? end;
        lock (this)
        {
            end = _current is { } current && current.Number == attempt ? current.Return : null;
        }

        return end?.TryConclude(isLeft: true) == true;
    }

    /// <summary>The agent is free for another task, and the result is published unless it comes too late.</summary>
    private void Conclude(TaskContext attempt, TaskResult result, bool isClaimed)
    {
        // Before the result is published: whoever receives it finds the agent ready for the next task.
        bool isFree;
        lock (this)
        {
            isClaimed |= attempt.TryClaimResult();
            _current = null;
            isFree = NoteReturn(attempt.Number, result.CompletedAt);
        }

        if (isFree)
        {
            OnFree();
        }

        if (isClaimed)
        {
            Publish(attempt, result);
        }
        else
        {
            // One that heeds its token is late by nature.
            Log.LateResult(host.Logger, result.Status == AgentTaskStatus.Cancelled ? LogLevel.Debug : LogLevel.Warning, Id, result.TaskId, result.Status);
        }
    }

    /// <summary>The end of an attempt whose scope is being ended: concluded once, by that or by whoever can wait for it no longer.</summary>
    internal sealed class ScopedReturn(AgentMailbox mailbox, TaskContext attempt, TaskResult result, bool isClaimed)
    {
        private int _isConcluded;

        public bool TryConclude(bool isLeft)
        {
            if (Interlocked.Exchange(ref _isConcluded, 1) != 0)
            {
                return false;
            }

            if (isLeft)
            {
                Log.EndLeft(mailbox.Host.Logger, mailbox.Id, result.TaskId);
            }

            mailbox.Conclude(attempt, result, isClaimed);
            return true;
        }
    }

    /// <summary>
    /// What the mailbox goes on with when the agent's code, which has suspended, is over: in the context that the code left behind at its first wait, not
    /// in that in which it ended. Used again for each task: a mailbox runs one at a time.
    /// </summary>
    private sealed class SuspendedRun
    {
        private static readonly ContextCallback _return = static run => ((SuspendedRun)run!).Return();

        private readonly AgentMailbox _mailbox;
        private readonly Action _onOver;
        private TaskContext? _attempt;
        private Activity? _span;
        private ValueTask<TaskData> _run;
        private ExecutionContext? _context;

        public SuspendedRun(AgentMailbox mailbox)
        {
            _mailbox = mailbox;
            _onOver = OnOver;
        }

        public void Await(TaskContext attempt, Activity? span, ValueTask<TaskData> run)
        {
            _mailbox._hasSuspended = true;
            (_attempt, _span, _run, _context) = (attempt, span, run, ExecutionContext.Capture());
            _run.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_onOver);
        }

        private void OnOver()
        {
            if (_context is { } context)
            {
                ExecutionContext.Run(context, _return, this);
            }
            else
            {
                Return();
            }
        }

        private void Return()
        {
            // Before anything follows: the next task of the agent may begin, and suspend, while this one returns.
            var (attempt, span, run) = (_attempt!, _span, _run);
            (_attempt, _span, _run, _context) = (null, null, default, null);
            _mailbox.Return(attempt, _mailbox.Finish(attempt, span, run));
        }
    }
}
