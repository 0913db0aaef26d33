using System.Runtime.CompilerServices;

namespace Conductor.Workflows;

/// <content>The loop: from phase to phase, and through the tasks of each.</content>
internal sealed partial class WorkflowRunner
{
    /// <summary>Tasks that were started and not begun.</summary>
    private readonly List<int> _started;

    /// <summary>Tasks that are to be ended as blocked; null until there is one.</summary>
    private Queue<int>? _blocked;

    /// <summary>Whether the run was just created, and its first phase begun with it.</summary>
    private bool _isEntered;

    private async ValueTask RunPhasesAsync()
    {
        for (var phase = _firstPhase; phase < _plan.PhaseCount;)
        {
            if (!_isEntered)
            {
                EnterPhase(phase);
            }

            _isEntered = false;
            await ExecutePhaseAsync().ConfigureAwait(false);
            if (StopCause != StopCause.None && !await IsDrainedToAPhasesEndAsync(phase).ConfigureAwait(false))
            {
                await StopEarlyAsync(phase).ConfigureAwait(false);
                return;
            }

            BlockWhatWaitsInVain(phase);
            var grave = _feedbackLoop.Grave(_board, phase, _summary.Round);
            if (!await CheckPhaseGateAsync(phase, grave).ConfigureAwait(false))
            {
                return;
            }

            if (HandleFeedback(phase, grave) is not { } next)
            {
                await EndAsync(WorkflowStatus.Failed).ConfigureAwait(false);
                return;
            }

            phase = next;
        }

        await EndAsync(WorkflowStatus.Completed).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether the engine's stop found all tasks of the phase begun, and they are over: then nothing of it is left to hand over, and the run goes
    /// on to its gate. One that is to be migrated stays in the phase that it was seen in.
    /// </summary>
    private async ValueTask<bool> IsDrainedToAPhasesEndAsync(int phase)
    {
        if (StopCause != StopCause.Draining || _services.Migrating.ContainsKey(RunId))
        {
            return false;
        }

        await WaitForTasksAsync().ConfigureAwait(false);
        return StopCause == StopCause.Draining && _board.IsOver(phase);
    }

    /// <summary>Begins a phase, and makes ready what waits for nothing.</summary>
    private void EnterPhase(int phase)
    {
        if (_phaseRecord is not { CompletedAt: null } open || open.Phase != _plan.Phase(phase))
        {
            // Not begun by an owner before.
            _summary = _summary with { CurrentPhase = _plan.Phase(phase) };
            _phaseRecord = new PhaseRecord { Phase = _plan.Phase(phase), Round = _summary.Round, StartedAt = _services.Time.GetUtcNow() };
            _journal.Add(_phaseRecord);
            Note(WorkflowEventKind.PhaseStarted);
            Announce(_plan.PhaseChannel(phase));
        }

        foreach (var index in _plan.TasksOf[phase])
        {
            if (_board.Enter(index))
            {
                MakeReady(index);
            }

            // Before the next is looked at: it may wait for what is blocked.
            EndBlocked();
        }
    }

    private void StartReady()
    {
        if (Volatile.Read(ref _hasMoreAgents) && Interlocked.Exchange(ref _hasMoreAgents, false))
        {
            _ready.LookAgain();
        }

        while (_ready.TryTake(out var index))
        {
            if (IsSuspect(index))
            {
                _suspects.Enqueue(index);
            }
            else
            {
                Start(index);
            }
        }
    }

    /// <summary>Runs the tasks of a phase, concurrently as far as dependencies, priority, policies and agents allow.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ExecutePhaseAsync()
    {
        // Of a run that was just created: its first tasks are committed with it.
        RunStarted();
        while (StopCause == StopCause.None)
        {
            StartReady();
            await StartSuspectAsync().ConfigureAwait(false);
            if (_board.InFlightCount == 0)
            {
                // Over: its last results may share a step with what follows.
                return;
            }

            // Results and starts of one turn are one step: committed before anything of it is visible or begun.
            try
            {
                await CommitWithStartsAsync().ConfigureAwait(false);
            }
            catch
            {
                // Never begun: nobody must wait for them.
                _started.ForEach(NotBegun);
                throw;
            }

            RunStarted();
            await _finished.WaitAsync().ConfigureAwait(false);
            TakeFinished();
        }
    }

    private void Start(int index)
    {
        _board.Start(index);
        NoteStart(index);
        _started.Add(index);
    }

    private void RunStarted()
    {
        foreach (var index in _started)
        {
            Run(index);
        }

        _started.Clear();
    }

    private void TakeFinished()
    {
        var task = _finished.TakeAll();
        NoteRetries();
        while (task is not null)
        {
            var next = task.Next;
            _ready.Finished(task.Index);
            ForgetStart(task.Index, task.Result);
            if (task.Result is { } result)
            {
                _journal.AddAgents(task.Request!.EarlierAgentIds);
                Finish(task.Index, result);
            }
            else
            {
                _board.Abandon(task.Index);
            }

            _spare.Add(task);
            task = next;
        }
    }

    /// <summary>Hands a task over when everything before it is done, or has <see cref="EndBlocked"/> end it when something before it failed.</summary>
    private void MakeReady(int index)
    {
        if (_board.Blocker(index) is not { } blocker)
        {
            _ready.Add(index);
        }
        else if (!_board.IsCancelled(blocker) || StopCause == StopCause.None)
        {
            (_blocked ??= []).Enqueue(index);
        }

        // (Otherwise nothing failed: it was not run because the run stops.)
    }

    /// <summary>Ends tasks as blocked, and those that wait for them. One after the other: a chain of them may be as long as the run.</summary>
    private void EndBlocked()
    {
        while (_blocked?.TryDequeue(out var index) == true)
        {
            Record(index, NotRun(index, AgentTaskStatus.Blocked, new TaskError
            {
                Code = ErrorCodes.DependencyFailed,
                Message = $"Task '{_plan.Task(index).Id}' was not run: '{_plan.Task(_board.Blocker(index)!.Value).Id}', which it depends on, failed.",
            }));
        }
    }

    /// <summary>
    /// A phase is over when nothing of it is under way. What still waits then waits for something that never comes, and is not dropped without a
    /// word.
    /// </summary>
    private void BlockWhatWaitsInVain(int phase)
    {
        foreach (var index in _plan.TasksOf[phase])
        {
            if (_board.Status(index) == AgentTaskStatus.Pending)
            {
                var missing = _plan.Dependencies[index].Where(dependency => _board.Status(dependency) == AgentTaskStatus.Pending)
                    .Select(dependency => $"'{_plan.Task(dependency).Id}'");
                Finish(index, NotRun(index, AgentTaskStatus.Blocked, new TaskError
                {
                    Code = ErrorCodes.DependencyFailed,
                    Message = $"Task '{_plan.Task(index).Id}' was not run: it depends on what never ran: {string.Join(", ", missing)}.",
                }));
            }
        }
    }

    private void Finish(int index, TaskResult result)
    {
        Record(index, result);
        EndBlocked();
    }

    /// <summary>Notes what became of a task, and makes ready what waits for it.</summary>
    private void Record(int index, TaskResult result)
    {
        var freed = _board.Finish(index, result);
        _journal.AddFinished(index, result, _summary.CurrentPhase, _summary.Round);
        if (result.IsSuccess)
        {
            NoteSuperseded(index);
        }

        if (result.Error is { } error)
        {
            var severity = result.Status switch
            {
                AgentTaskStatus.Cancelled => FeedbackSeverity.Info,
                AgentTaskStatus.Skipped => FeedbackSeverity.Warning,
                _ => FeedbackSeverity.Error,
            };
            LogError(error, severity, _plan.Task(index).Id);
        }

        foreach (var next in freed)
        {
            MakeReady(next);
        }
    }
}
