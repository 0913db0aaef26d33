using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Workflows;

/// <content>Running tasks, ending, committing.</content>
internal sealed partial class WorkflowRunner
{
    /// <summary>Runs one task beside the loop and hands its result to the loop. Never throws.</summary>
    private async Task RunTaskAsync(int index)
    {
        var task = _plan.Task(index);
        var request = RequestFor(index);
        TaskResult? result;
        try
        {
            await _services.Window.WaitAsync(_taskCancellation.Token).ConfigureAwait(false);
            try
            {
                result = StopCause == StopCause.Draining
                    ? null
                    : await _services.Coordinator.DispatchAsync(request, _taskCancellation.Token).ConfigureAwait(false);
            }
            finally
            {
                _services.Window.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // Handed over or lost: it is not over, another owner runs it. Otherwise it ends with its run.
            result = StopCause >= StopCause.Draining
                ? null
                : Cancelled(index, request);
        }
        catch (ConductorException exception) when (StopCause < StopCause.Draining)
        {
            result = NotRun(index, task.Optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed, _services.Environment.ErrorClassifier.Classify(exception));
        }
#pragma warning disable CA1031 // Whatever it is, the loop must learn that the task is over.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var handedOver = StopCause >= StopCause.Draining;
            if (!handedOver)
            {
                Log.TaskFailed(_services.Logger, exception, task.Id, RunId);
            }

            result = handedOver ? null : NotRun(index, AgentTaskStatus.Failed, _services.Environment.ErrorClassifier.Classify(exception));
        }

        _finished.Writer.TryWrite((index, result));
    }

    private DispatchRequest RequestFor(int index)
    {
        var task = _plan.Task(index);
        return new DispatchRequest
        {
            Task = task,
            WorkflowId = RunId,
            Phase = _plan.Phase(_plan.PhaseOf[index]),
            Round = _summary.Round,
            IdempotencyKey = new ExecutionKey(RunId, task.Id, _summary.Round).ToIdempotencyKey(task.IdempotencyKey),
            DependencyOutputs = _board.OutputsFor(index),
            Feedback = _findings,
            IsFlowControlled = true,
        };
    }

    private TaskResult Cancelled(int index, DispatchRequest request)
    {
        var result = NotRun(
            index, AgentTaskStatus.Cancelled, new TaskError { Code = ErrorCodes.Cancelled, Message = $"Task '{_plan.Task(index).Id}' was cancelled with its run." });
        var duration = request.AttemptsBegun == 0 ? TimeSpan.Zero : _services.Time.GetElapsedTime(request.FirstBegunAt);
        return result with { Attempts = request.AttemptsBegun, StartedAt = result.CompletedAt - duration, Duration = duration };
    }

    private TaskResult NotRun(int index, AgentTaskStatus status, TaskError error)
    {
        var now = _services.Time.GetUtcNow();
        return new TaskResult
        {
            TaskId = _plan.Task(index).Id,
            WorkflowId = RunId,
            Round = _summary.Round,
            Status = status,
            Error = error,
            StartedAt = now,
            CompletedAt = now,
        };
    }

    private ITimer? ArmTimeout() => _plan.Definition.Timeout is { } limit
        ? _services.Time.CreateTimer(static state => ((WorkflowRunner)state!).Stop(StopCause.TimedOut), this, limit, Timeout.InfiniteTimeSpan)
        : null;

    /// <summary>Ends the run where it stands: cancelled, out of time, or handed over.</summary>
    private async ValueTask StopEarlyAsync(int phase)
    {
        _ready.Clear();
        await WaitForTasksAsync().ConfigureAwait(false);
        switch (StopCause)
        {
            case StopCause.TimedOut:
                await EndPhaseAsync(phase, PhaseOutcome.Cancelled, "The run is out of time.").ConfigureAwait(false);
                Fail(ErrorCodes.WorkflowTimeout, $"The run took longer than the {_plan.Definition.Timeout} its definition allows.");
                await EndAsync(WorkflowStatus.Failed).ConfigureAwait(false);
                break;
            case StopCause.Cancelled:
                await EndPhaseAsync(phase, PhaseOutcome.Cancelled, "The run was cancelled.").ConfigureAwait(false);
                _summary = _summary with { Error = new TaskError { Code = ErrorCodes.Cancelled, Message = "The run was cancelled on request." } };
                await EndAsync(WorkflowStatus.Cancelled).ConfigureAwait(false);
                break;
            case StopCause.Draining or StopCause.HandedOver:
                await HandOverAsync().ConfigureAwait(false);
                break;
            default:
                Lose(_lossReason ?? new StateException(ErrorCodes.LeaseLost, $"Run '{RunId}' belongs to another process now. Get it by its id to follow it."));
                break;
        }
    }

    private async ValueTask HandOverAsync()
    {
        _summary = _summary with { Status = WorkflowStatus.Waiting };
        _journal.Add(Event(WorkflowEventKind.HandedOver) with { WorkflowStatus = WorkflowStatus.Waiting });
        await CommitChangesAsync().ConfigureAwait(false);
        _lossReason = new StateException(
            ErrorCodes.LeaseLost, $"Run '{RunId}' was handed over because this engine stopped. Whoever shares the store goes on with it; get it by its id to follow it.");
        Log.HandedOver(_services.Logger, RunId);
    }

    /// <summary>The run cannot go on here: its tasks are stopped, nothing more is saved, and whoever waits is told.</summary>
    private void Lose(Exception reason)
    {
        if (_lossReason is null)
        {
            Log.Lost(_services.Logger, reason, RunId);
            _lossReason = reason;
        }

        Stop(StopCause.Lost);
    }

    private async ValueTask EndAsync(WorkflowStatus status)
    {
        _summary = _summary with { Status = status, CompletedAt = _services.Time.GetUtcNow() };
        _journal.Add(Event(WorkflowEventKind.WorkflowFinished) with { WorkflowStatus = status, Error = _summary.Error });
        await CommitChangesAsync().ConfigureAwait(false);
        await AnnounceAsync(phase: null).ConfigureAwait(false);
        Log.Ended(_services.Logger, RunId, _plan.Definition.Name, status, _summary.Round);
    }

    /// <summary>Takes the results of all tasks under way; those of a run that is lost are dropped, its new owner runs them again.</summary>
    private async ValueTask WaitForTasksAsync()
    {
        while (_board.InFlightCount > 0)
        {
            await TakeFinishedAsync().ConfigureAwait(false);
            _ready.Clear();
        }
    }

    private async ValueTask CommitChangesAsync()
    {
        if (_journal.HasChanges)
        {
            await CommitAsync(definition: null).ConfigureAwait(false);
        }
    }

    private async ValueTask CommitAsync(WorkflowDefinition? definition)
    {
        await _journal.CommitAsync(_summary, Lease, definition).ConfigureAwait(false);
        Committed.Beat();
        if (_services.State.IsShared)
        {
            await PublishAsync(Channels.Workflow(RunId), ControlPayload.WorkflowChanged).ConfigureAwait(false);
        }

        ReportProgress();
    }

    private void ReportProgress()
    {
        if (_options.Progress is not { } progress)
        {
            return;
        }

        try
        {
            progress.Report(new WorkflowProgress
            {
                WorkflowId = RunId,
                Status = _summary.Status,
                Phase = _summary.CurrentPhase,
                Round = _summary.Round,
                FinishedTasks = _board.FinishedCount,
                TasksInFlight = _board.InFlightCount,
                TotalTasks = _plan.TaskCount,
            });
        }
#pragma warning disable CA1031 // A user's callback may throw anything; the run must not suffer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ProgressFailed(_services.Logger, exception, RunId);
        }
    }

    /// <summary>Tells those who follow a phase, or the run, that it began or ended. Best effort.</summary>
    private ValueTask AnnounceAsync(WorkflowPhase? phase) =>
        PublishAsync(phase is { } known ? Channels.Phase(known) : Channels.Workflow(RunId), ControlPayload.WorkflowChanged);

    private async ValueTask PublishAsync(string channel, string command)
    {
        try
        {
            await _services.Bus.PublishAsync(channel, new AgentMessage
            {
                Type = MessageType.Control,
                Sender = _services.Coordinator.Id,
                CorrelationId = RunId,
                Payload = new ControlPayload { Command = command, Arguments = Arguments() },
            }).ConfigureAwait(false);
        }
        catch (BusException exception)
        {
            Log.NoticeFailed(_services.Logger, exception, RunId);
        }
    }

    private Dictionary<string, string> Arguments() => new(StringComparer.Ordinal)
    {
        ["workflow_id"] = RunId,
        ["status"] = _summary.Status.ToString(),
        ["phase"] = _summary.CurrentPhase?.Name ?? string.Empty,
        ["outcome"] = _phaseRecord?.Outcome.ToString() ?? string.Empty,
        ["round"] = _summary.Round.ToString(),
    };

    private async ValueTask CompleteAsync()
    {
        Exception? failure = _lossReason;
        WorkflowState? state = null;
        try
        {
            await _services.State.Leases.ReleaseAsync(Lease, CancellationToken.None).ConfigureAwait(false);
            state = failure is null ? await _services.State.GetWorkflowStateAsync(RunId, CancellationToken.None).ConfigureAwait(false) : null;
        }
#pragma warning disable CA1031 // Whoever waits for the run is told instead.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure ??= exception;
        }

        _services.Forget(this);
        if (failure is null && state is not null)
        {
            _completion.TrySetResult(state);
        }
        else
        {
            _completion.TrySetException(failure ?? new StateException(ErrorCodes.StateCorrupt, $"Run '{RunId}' is no longer in the store."));

            // Nobody has to wait for a run; a failure that was logged is no unobserved one.
            _ = _completion.Task.Exception;
        }

        Committed.Beat();
        _taskCancellation.Dispose();
    }
}
