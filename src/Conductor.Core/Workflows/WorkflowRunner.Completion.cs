using System.Diagnostics;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <content>
/// The end of the run, for whoever waits for it. What they do then is work that the run hands over: it comes next on this thread as far as it is
/// known to be brief, on another thread if not, and is timed by itself either way.
/// </content>
internal sealed partial class WorkflowRunner : ILaneItem
{
    /// <summary>Whoever awaits it goes on on the thread that completes it, as after any async method.</summary>
    private readonly TaskCompletionSource<WorkflowState> _completion = new();
    private TaskCompletionSource? _drained;
    private bool _goesOn;
    private WorkflowState? _finalState;
    private long _lastPosition;
    private Exception? _failure;

    /// <summary>The final state; fails when the run was lost or handed over. Thread-safe.</summary>
    public Task<WorkflowState> Completion => _completion.Task;

    /// <summary>The final state, from before the store may forget the run; null when there is none. Thread-safe.</summary>
    public WorkflowState? FinalState => Volatile.Read(ref _finalState);

    /// <summary>The position of the last event of a run that has its <see cref="FinalState"/>. Thread-safe.</summary>
    public long LastPosition => Volatile.Read(ref _lastPosition);

    /// <summary>
    /// The end of <see cref="Completion"/>, whichever it is, for this library itself, which must not have to wait for what an application does when
    /// the run is over. It never fails: whoever gives the waiting up leaves no failure that nobody observes. Thread-safe.
    /// </summary>
    public Task EndApart => Completion.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>
    /// Drains the run for a migration. Whoever awaits it awaits what goes on with it: it must be followed by <see cref="GoOnAs"/> or
    /// <see cref="EndUnlessItGoesOn"/>. Thread-safe.
    /// </summary>
    /// <returns>Over when nothing of the run is under way here.</returns>
    public async Task DrainAsync()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _drained, drained);
        Stop(StopCause.Draining);
        _services.Coordinator.GiveBackWaiting(ticket => ReferenceEquals(ticket.Owner, this));

        // A run that was about to end by itself may not have seen that it is drained.
        await Task.WhenAny(drained.Task, EndApart).ConfigureAwait(false);
    }

    /// <summary>Another goes on with the run after its drain: its end is this one's.</summary>
    public void GoOnAs(WorkflowRunner heir)
    {
        _goesOn = true;
        _ = EndAsAsync(heir);
    }

    /// <summary>The migration is over.</summary>
    public void EndUnlessItGoesOn()
    {
        if (!_goesOn && _failure is not null)
        {
            ((ILaneItem)this).Run();
        }
    }

    /// <inheritdoc />
    bool ILaneItem.IsBrief => _services.EndsAreBrief;

    /// <inheritdoc />
    void ILaneItem.Run()
    {
        if (_failure is null)
        {
            _completion.TrySetResult(_finalState!);
            return;
        }

        _completion.TrySetException(_failure);

        // Nobody has to wait for a run; a failure that was logged is no unobserved one.
        _ = _completion.Task.Exception;
    }

    /// <inheritdoc />
    void ILaneItem.Held(TimeSpan time) => _services.NoteEnd(time);

    /// <summary>Not known to be brief: then it is no work of ours, and what it hands over comes as from any thread.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        var begunAt = Stopwatch.GetTimestamp();
        ((ILaneItem)this).Run();
        _services.NoteEnd(Stopwatch.GetElapsedTime(begunAt));
    }

    private async Task EndAsAsync(WorkflowRunner heir)
    {
        try
        {
            await heir.EndApart.ConfigureAwait(false);
            var finalState = await heir.Completion.ConfigureAwait(false);
            Volatile.Write(ref _lastPosition, heir.LastPosition);
            Volatile.Write(ref _finalState, finalState);
            _failure = null;
        }
#pragma warning disable CA1031 // Whoever waits for the run is told instead.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failure = exception;
        }

        ((ILaneItem)this).Run();
    }

    /// <summary>Nothing of the run follows: its span, its time limit and its notices are over.</summary>
    private async ValueTask CompleteAsync()
    {
        _failure = _lossReason;
        try
        {
            // Before the lease is released: a store may forget a run that is over and nobody's.
            var finalState = _failure is null ? await ReadFinalStateAsync().ConfigureAwait(false) : null;
            Volatile.Write(ref _lastPosition, _journal.LastPosition);
            Volatile.Write(ref _finalState, finalState);
        }
#pragma warning disable CA1031 // Whoever waits for the run is told instead.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failure = exception;
        }

        await _services.ReleaseAsync(Lease.Current).ConfigureAwait(false);

        // From here on nobody cancels any more. Whoever stopped it before may still be about to: then the next run gets a token of its own.
        _spare.Leave(wasStopped: Interlocked.Exchange(ref _stopCause, (int)StopCause.Over) != (int)StopCause.None);
        _services.LeaveSpareTasks(_spare);
        _services.Forget(this);
        if (_finalState is not null)
        {
            _services.Listeners.Remove(RunId);
        }
        else if (_options.Progress is { } listener)
        {
            // Should this engine go on with it, whoever started it is told as before.
            _services.Listeners.Add(RunId, listener);
        }

        Committed.Beat();
        var drained = Volatile.Read(ref _drained);
        if (_failure is null || drained is null)
        {
            Lane.Add(this);
        }

        drained?.TrySetResult();
    }

    /// <summary>The run is over whether it can be read or not: a store that does not answer now is asked again, as it is for the steps.</summary>
    private async ValueTask<WorkflowState> ReadFinalStateAsync()
    {
        var repetition = new Repetition(_services.Time, _services.Options.LeaseDuration, _slowestCommitRetry);
        while (true)
        {
            TimeSpan delay;
            try
            {
                return await InTimeAsync(_services.State.GetWorkflowStateAsync(RunId, CancellationToken.None)).ConfigureAwait(false)
                    ?? throw new StateException(ErrorCodes.StateConflict,
                        $"Run '{RunId}' ended, and was deleted before its final state was read.") { Key = StateManager.WorkflowKey(RunId) };
            }
            catch (StateException exception) when (MayRepeat(exception, repetition))
            {
                delay = repetition.NextDelay();
                Log.EndNotRead(_services.Logger, exception, RunId, delay);
            }

            await Task.Delay(delay, _services.Time).ConfigureAwait(false);
        }
    }

    private ValueTask<WorkflowState?> InTimeAsync(ValueTask<WorkflowState?> answer) => answer.IsCompleted ? answer : answer.InTimeAsync(
        _services.Options.LeaseDuration / 3,
        _services.Time,
        $"the final state of run '{RunId}' was to be read.",
        StateManager.WorkflowKey(RunId),
        exception => Log.EndNotReadLate(_services.Logger, exception, RunId),
        CancellationToken.None);
}
