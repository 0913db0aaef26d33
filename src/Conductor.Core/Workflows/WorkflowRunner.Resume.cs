using Conductor.State;

namespace Conductor.Workflows;

/// <content>Going on with a run that another process, or this one before, left off.</content>
internal sealed partial class WorkflowRunner
{
    /// <summary>How often the process died under a task in this round, by task; null as long as that never happened.</summary>
    private Dictionary<int, int>? _crashes;

    private readonly Queue<int> _suspects = new();

    /// <summary>The turn alone of the suspect that is started, of which there is one at a time.</summary>
    private Turnstile.Solitude? _solitude;

    /// <summary>
    /// Tasks that had begun when the run was left, now or before, or were handed over and may have found all circuits open: one of them may have left a
    /// dead letter of a failure that nobody took note of.
    /// </summary>
    private HashSet<int>? _triedBefore;

    /// <summary>Dead letters, as far as there are any, of tasks that have succeeded since. Null for none.</summary>
    private List<string>? _superseded;

    private int _firstPhase;

    /// <summary>How long the run was left to others, and nobody had agents for it: so long its first tasks have waited.</summary>
    private TimeSpan _waitedForAnybody;

    /// <summary>
    /// Takes the run up where it was committed last. Finished tasks keep their results. What was under way is counted as a crash, unless the
    /// owner before gave it back; a task under which the process died too often is given up.
    /// </summary>
    /// <param name="snapshot">What was committed.</param>
    /// <param name="countsCrashes">Whether what was under way counts as a crash.</param>
    /// <param name="message">How it comes to go on.</param>
    /// <param name="forOthers">Whether nothing of it is run here: it is handed over in the same step.</param>
    public async ValueTask ResumeAsync(RunSnapshot snapshot, bool countsCrashes, string message, bool forOthers = false)
    {
        _isResumed = true;
        var state = snapshot.State;
        _waitedForAnybody = _services.LeftSince.TryGetValue(RunId, out var since) && IsLeftToOthers(state)
            ? _services.Time.GetElapsedTime(since)
            : TimeSpan.Zero;
        var isMigrated = state.DefinitionHash != _plan.Hash;
        _summary = state.ToSummary() with
        {
            Status = WorkflowStatus.InProgress,
            DefinitionName = _plan.Definition.Name,
            DefinitionVersion = _plan.Definition.Version,
            DefinitionHash = _plan.Hash,
            TaskCount = _plan.TaskCount,
        };
        _journal.Restore(state.StoreVersion, snapshot.Position, state.ParticipatingAgents);
        _board.Restore(state.TaskResults);
        _findings = state.Round > 0 && state.FeedbackRounds is [.., var last] ? last.Feedback : [];
        RestorePhase(state);
        if (isMigrated)
        {
            _journal.AddMigration(state.TaskResults.Keys.Where(id => !_plan.TryIndex(id, out _)), snapshot.Returned);
            Note(WorkflowEventKind.Migrated, _plan.Title);
        }

        Note(WorkflowEventKind.Resumed, message, WorkflowStatus.InProgress);
        NoteBegun(state, snapshot.Begun);
        NoteHandedOut(state);
        await CountCrashesAsync(state, countsCrashes ? snapshot.UnderWay : new HashSet<string>()).ConfigureAwait(false);
        if (forOthers)
        {
            NoteHandedOver();
        }

        Announce(_channel);
        await CommitAsync(isMigrated ? _plan.Definition : null).ConfigureAwait(false);
        _services.LeftSince.TryRemove(RunId, out _);
        Log.Resumed(_services.Logger, RunId, _plan.Definition.Name, _board.FinishedCount, _plan.TaskCount, message);
    }

    /// <summary>Whether a run was handed over before anything of it ran: whoever started it has no agents for it.</summary>
    public static bool IsLeftToOthers(WorkflowState state) => state is { Status: WorkflowStatus.Waiting, CurrentPhase: null };

    private void RestorePhase(WorkflowState state)
    {
        if (state.CurrentPhase is not { } phase)
        {
            return;
        }

        _firstPhase = _plan.PhaseIndex(phase);
        if (_firstPhase < 0)
        {
            throw new StateException(
                ErrorCodes.StateCorrupt,
                $"The state of run '{RunId}' says that it is in phase '{phase}', which its definition does not have. Save it with a phase of the " +
                    "definition, or delete the run.")
            {
                Key = StateManager.WorkflowKey(RunId),
            };
        }

        _phaseRecord = state.PhaseHistory.LastOrDefault(record => record.Phase == phase && record.Round == state.Round && record.CompletedAt is null);
    }

    private void NoteBegun(WorkflowState state, IEnumerable<string> begun)
    {
        foreach (var taskId in begun.Concat(state.Redeliveries.Where(known => known.Round == state.Round).Select(static known => known.TaskId)))
        {
            if (_plan.TryIndex(taskId, out var index))
            {
                (_triedBefore ??= []).Add(index);
                if (_board.Status(index) == AgentTaskStatus.Completed)
                {
                    // Its owner may have died before it could remove the letter.
                    NoteSuperseded(index);
                }
            }
        }
    }

    /// <summary>
    /// What could be handed over when the run was left, may have been: that is not written down before the task has its agent, and one that finds all circuits
    /// open leaves a letter without.
    /// </summary>
    private void NoteHandedOut(WorkflowState state)
    {
        if (state.CurrentPhase is null)
        {
            return;
        }

        foreach (var index in _plan.TasksOf[_firstPhase])
        {
            if (_board.Status(index) == AgentTaskStatus.Pending
                && _plan.Dependencies[index].All(dependency => _board.Status(dependency) != AgentTaskStatus.Pending))
            {
                (_triedBefore ??= []).Add(index);
            }
        }
    }

    /// <summary>A task has succeeded: if it left a letter before, that is to go.</summary>
    private void NoteSuperseded(int index)
    {
        if (_triedBefore?.Contains(index) == true)
        {
            (_superseded ??= []).Add(LetterIdOf(_plan.Task(index).Id, _summary.Round));
        }
    }

    /// <summary>
    /// A letter is kept before the step with the failure is committed. Where that never was, and the task has succeeded since, nothing is left to
    /// replay. After the commit of that, which only the owner can make: the letter may be another's by now.
    /// </summary>
    private async ValueTask RemoveSupersededAsync()
    {
        if (_superseded is not { } letters)
        {
            return;
        }

        _superseded = null;
        if (!await MayHaveLettersAsync().ConfigureAwait(false))
        {
            return;
        }

        foreach (var letter in letters)
        {
            try
            {
                // Looked for first: hardly ever there is one, and to look costs no wait for the disk.
                if (await MayBeKeptAsync(letter).ConfigureAwait(false))
                {
                    await _services.State.DeleteDeadLetterAsync(letter, CancellationToken.None).ConfigureAwait(false);
                }
            }
#pragma warning disable CA1031 // Whatever it is, what is committed next is worth more.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.SupersededKept(_services.Logger, exception, letter, RunId);
            }
        }
    }

    /// <summary>Whether the store may have any: most have none, and one look says so for all that a step would look for.</summary>
    private async ValueTask<bool> MayHaveLettersAsync()
    {
        try
        {
            return (await _services.State.ListDeadLettersAsync(new PageRequest { Size = 1 }, CancellationToken.None).ConfigureAwait(false)).Items.Count > 0;
        }
#pragma warning disable CA1031 // Whoever looks for one of them hears it again, and logs it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return true;
        }
    }

    private async ValueTask<bool> MayBeKeptAsync(string letter)
    {
        try
        {
            return await _services.State.GetDeadLetterAsync(letter, CancellationToken.None).ConfigureAwait(false) is not null;
        }
        catch (StateException exception) when (exception.ErrorCode == ErrorCodes.StateCorrupt)
        {
            return true;
        }
    }

    private async ValueTask CountCrashesAsync(WorkflowState state, IReadOnlySet<string> underWay)
    {
        foreach (var known in state.Redeliveries)
        {
            if (known.Round == state.Round && _plan.TryIndex(known.TaskId, out var index))
            {
                (_crashes ??= [])[index] = known.Crashes;
            }
        }

        foreach (var taskId in underWay)
        {
            if (!_plan.TryIndex(taskId, out var index) || _board.Status(index) != AgentTaskStatus.Pending)
            {
                continue;
            }

            var crashes = CrashesOf(index) + 1;
            (_crashes ??= [])[index] = crashes;
            _journal.Add(new TaskRedelivery { TaskId = taskId, Round = _summary.Round, Crashes = crashes });
            if (crashes >= _services.Options.MaxCrashes)
            {
                await GiveUpAsync(index, crashes).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// The dead letter is kept first, under an id that a repetition finds again: a crash in between neither loses nor doubles it.
    /// </summary>
    private async ValueTask GiveUpAsync(int index, int crashes)
    {
        var task = _plan.Task(index);
        var error = new TaskError
        {
            Code = ErrorCodes.TaskCrashed,
            Message = $"The process died {crashes} time(s) as task '{task.Id}' was under way (WorkflowOptions.MaxCrashes is {_services.Options.MaxCrashes}).",
            IsTransient = false,
        };
        Log.TaskCrashed(_services.Logger, task.Id, RunId, crashes);
        if (!task.Optional)
        {
            await _services.Coordinator.GiveUpAsync(RequestFor(index), error, crashes).ConfigureAwait(false);
        }

        Finish(index, NotRun(index, task.Optional ? AgentTaskStatus.Skipped : AgentTaskStatus.Failed, error) with { Attempts = crashes });
    }

    private int CrashesOf(int index) => _crashes?.GetValueOrDefault(index) ?? 0;

    /// <summary>
    /// Starts a suspect when nothing else of the run is under way, and only once it is alone among all runs here: a task that merely waits is
    /// not under way, and must not be convicted with the one that runs.
    /// </summary>
    private async ValueTask StartSuspectAsync()
    {
        if (_board.InFlightCount > 0 || !_suspects.TryPeek(out var suspect))
        {
            return;
        }

        // What is over must not wait with it: should the process die meanwhile, it would run again.
        await CommitChangesAsync().ConfigureAwait(false);
        var stopped = UntilStopped();
        try
        {
            var limit = _services.SolitudeOf(_plan.Task(suspect));
            _solitude = await _services.Turnstile.EnterAloneAsync(_ready.LineOf(suspect), limit, stopped).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // The run stops.
            return;
        }

        _suspects.Dequeue();
        Start(suspect);
    }

    private void NotBegun(int index)
    {
        _board.Abandon(index);
        ForgetStart(index, result: null);
        if (IsSuspect(index))
        {
            _services.Turnstile.Leave(_ready.LineOf(index), _solitude);
        }
    }

    /// <summary>One crash before it is given up, a task runs alone: what dies with it then was its own doing.</summary>
    private bool IsSuspect(int index) => _crashes is not null && _services.Options.MaxCrashes > 1 && CrashesOf(index) >= _services.Options.MaxCrashes - 1;
}
