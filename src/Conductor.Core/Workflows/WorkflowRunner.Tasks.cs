using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Workflows;

/// <content>Running tasks, and ending.</content>
internal sealed partial class WorkflowRunner
{
    /// <summary>Runs one task beside the loop, which gets its result by <see cref="End"/>.</summary>
    private void Run(int index)
    {
        var task = _spare.Take();
        task.Runner = this;
        task.Index = index;
        task.Request = RequestFor(index);
        task.Line = _ready.LineOf(index);

        // A suspect has had its turn since before it was started; the others take theirs here.
        task.Solitude = IsSuspect(index) ? _solitude : null;
        task.HasTurn = task.Solitude is not null;
        task.Follow(InTurnAsync(task));
    }

    private ValueTask<TaskResult> InTurnAsync(RunningTask task)
    {
        if (!task.HasTurn && !_services.Turnstile.TryEnter(task.Line!))
        {
            return WhenInTurnAsync(task, UntilStopped());
        }

        task.HasTurn = true;
        return DispatchAsync(task);
    }

    /// <summary>What waits for its turn has not begun: any stop of the run ends that.</summary>
    private async ValueTask<TaskResult> WhenInTurnAsync(RunningTask task, CancellationToken stopped)
    {
        await _services.Turnstile.EnterAsync(task.Line!, stopped).ConfigureAwait(false);
        task.HasTurn = true;
        return await DispatchAsync(task).ConfigureAwait(false);
    }

    private ValueTask<TaskResult> DispatchAsync(RunningTask task) => StopCause == StopCause.Draining
        ? ValueTask.FromException<TaskResult>(new OperationCanceledException("The engine stops."))
        : _services.Coordinator.DispatchAsync(task.Request!, _taskCancellation.Token);

    /// <summary>Notes what became of a task and gives it to the loop. Thread-safe; never throws.</summary>
    public void End(RunningTask task)
    {
        task.Result = ResultOf(task);
        if (task.HasTurn)
        {
            _services.Turnstile.Leave(task.Line!, task.Solitude);
        }

        _finished.Add(task);
    }

    private TaskResult? ResultOf(RunningTask task)
    {
        try
        {
            return task.TakeResult();
        }
        catch (OperationCanceledException) when (StopCause != StopCause.None)
        {
            // Handed over or lost: it is not over, another owner runs it. Otherwise it ends with its run.
            return StopCause >= StopCause.Draining ? null : Cancelled(task.Index, task.Request!);
        }
        catch (ConductorException) when (task.Request!.IsGivenBack && StopCause is StopCause.Cancelled or StopCause.TimedOut)
        {
            // The engine stopped as the run was about to end by itself.
            return Cancelled(task.Index, task.Request!);
        }
        catch (Exception) when (task.Request!.IsGivenBack || _services.Coordinator.IsStopped)
        {
            // The coordinator stopped, and the engine was not: nothing can be run here any more.
            Stop(StopCause.Draining);
            return null;
        }
        catch (ConductorException exception) when (StopCause < StopCause.Draining)
        {
            var definition = _plan.Task(task.Index);
            var error = _services.Environment.Classify(exception, definition, RunId);
            Log.TaskNotRun(_services.Logger, definition.Optional ? LogLevel.Warning : LogLevel.Error, definition.Id, RunId, error.Code, error.Message);
            return NotRun(task.Index, definition.Optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed, error);
        }
#pragma warning disable CA1031 // Whatever it is, the loop must learn that the task is over.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (StopCause >= StopCause.Draining)
            {
                Log.TaskLeft(_services.Logger, exception, _plan.Task(task.Index).Id, RunId);
                return null;
            }

            var definition = _plan.Task(task.Index);
            Log.TaskFailed(_services.Logger, exception, definition.Id, RunId);
            var status = definition.Optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed;
            return NotRun(task.Index, status, _services.Environment.Classify(exception, definition, RunId));
        }
    }

    private DispatchTicket RequestFor(int index)
    {
        var assignment = new TaskAssignment
        {
            Task = _plan.Task(index),
            WorkflowId = RunId,
            Phase = _plan.Phase(_plan.PhaseOf[index]),
            Round = _summary.Round,
            DependencyOutputs = _board.OutputsFor(index),
            Feedback = _findings,
            Delivery = CrashesOf(index) + 1,
        };
        return new DispatchTicket(assignment)
        {
            IsFlowControlled = true,
            Owner = this,
            Beginning = BeginRequestOf(index),
            WaitedBefore = _plan.PhaseOf[index] == 0 && assignment.Task.DependsOn.Count == 0 && assignment.Round == 0 ? _waitedForAnybody : TimeSpan.Zero,
        };
    }

    private TaskResult Cancelled(int index, DispatchTicket request)
    {
        var error = new TaskError { Code = ErrorCodes.Cancelled, Message = $"Task '{_plan.Task(index).Id}' was cancelled with its run." };
        var result = NotRun(index, AgentTaskStatus.Cancelled, error);
        var duration = request.AttemptsBegun == 0 ? TimeSpan.Zero : _services.Time.GetElapsedTime(request.FirstBegunAt);
        return result with { AgentId = request.LastAgentId, Attempts = request.AttemptsBegun, StartedAt = result.CompletedAt - duration, Duration = duration };
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

    private LongTimer? ArmTimeout()
    {
        if (_plan.Definition.Timeout is not { } limit)
        {
            return null;
        }

        // What an owner before has used up is used up.
        var used = _services.Time.GetUtcNow() - _summary.StartedAt;
        return new LongTimer(
            _services.Time, used > TimeSpan.Zero ? limit - used : limit, static runner => ((WorkflowRunner)runner).Stop(StopCause.TimedOut), this);
    }

    /// <summary>Ends the run where it stands: cancelled, out of time, or handed over.</summary>
    private async ValueTask StopEarlyAsync(int phase)
    {
        _ready.Clear();
        await WaitForTasksAsync().ConfigureAwait(false);
        switch (StopCause)
        {
            case StopCause.TimedOut:
                EndPhase(phase, PhaseOutcome.Cancelled, "The run is out of time.");
                Fail(ErrorCodes.WorkflowTimeout, $"The run took longer than the {_plan.Definition.Timeout} its definition allows.");
                await EndAsync(WorkflowStatus.Failed).ConfigureAwait(false);
                break;
            case StopCause.Cancelled:
                EndPhase(phase, PhaseOutcome.Cancelled, "The run was cancelled.");
                _summary = _summary with { Error = new TaskError { Code = ErrorCodes.Cancelled, Message = "The run was cancelled on request." } };
                await EndAsync(WorkflowStatus.Cancelled).ConfigureAwait(false);
                break;
            case StopCause.Draining or StopCause.HandedOver:
                await HandOverAsync().ConfigureAwait(false);
                break;
            default:
                Lose(_lossReason ?? Volatile.Read(ref _notHeldBecause) ?? new StateException(ErrorCodes.LeaseLost,
                    $"Run '{RunId}' belongs to another process now, or was deleted. Get it by its id to follow it."));
                break;
        }
    }

    private void NoteHandedOver()
    {
        _summary = _summary with { Status = WorkflowStatus.Waiting };
        Note(WorkflowEventKind.HandedOver, status: WorkflowStatus.Waiting);
    }

    private async ValueTask HandOverAsync()
    {
        NoteHandedOver();
        await CommitChangesAsync().ConfigureAwait(false);
        var reason = new StateException(
            ErrorCodes.LeaseLost, $"Run '{RunId}' was handed over because this engine stopped, or could not go on with it after a migration. " +
                "Whoever shares the store goes on with it; get it by its id to follow it.");

        // A task that awaits this run here fails by that, and only because of the stop.
        var isByStop = _services.Stopping.IsCancellationRequested || _services.Coordinator.IsStopped;
        _lossReason = isByStop ? StopFailures.Mark(reason, _services.Coordinator.Id) : reason;
        Log.HandedOver(_services.Logger, RunId);
    }

    /// <summary>The run cannot go on here: its tasks are stopped, nothing more is saved, and whoever waits is told.</summary>
    private void Lose(Exception reason)
    {
        if (_lossReason is null)
        {
            Log.Lost(_services.Logger, reason, RunId);
            _lossReason = reason;

            // Trouble with the store is no crash. A step that cannot be written is as good as one: it comes again each time, and must end.
            if (reason is not TaskValidationException)
            {
                _services.LostFences[RunId] = Lease.Current.Fence;
            }
        }

        Stop(StopCause.Lost);
    }

    private async ValueTask EndAsync(WorkflowStatus status)
    {
        _summary = _summary with { Status = status, CompletedAt = _services.Time.GetUtcNow() };
        Note(WorkflowEventKind.WorkflowFinished, status: status, error: _summary.Error);
        Announce(_channel);
        await CommitChangesAsync().ConfigureAwait(false);
        Log.Ended(_services.Logger, RunId, _plan.Definition.Name, status, _summary.Round);
    }

    /// <summary>Takes the results of all tasks under way; those of a run that is lost are dropped, its new owner runs them again.</summary>
    private async ValueTask WaitForTasksAsync()
    {
        while (_board.InFlightCount > 0)
        {
            RefuseStarts();
            await _finished.WaitAsync().ConfigureAwait(false);
            TakeFinished();
            _ready.Clear();
        }
    }
}
