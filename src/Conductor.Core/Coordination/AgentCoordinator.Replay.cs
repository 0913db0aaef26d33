using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Replaying dead letters.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>
    /// Runs a dead letter's task again: a new execution outside its workflow, which has gone on, under the same idempotency key (so that
    /// recorded effects are not repeated) and with a reference to what it replays. It sees of its run what it saw then: its phase and, as far as the
    /// store still has them, the outputs of the tasks it depends on, and the findings of its round. The letter is removed when the replay succeeded,
    /// and replaced by its own when it was given up again. While it takes, nobody else replays the letter: a lease on that is renewed, and runs out
    /// half a minute after its process died. A task outside runs that was dispatched again under its id, and has succeeded since, is not run (unless
    /// its input is corrected): its result is given, and the letter removed.
    /// </summary>
    /// <param name="deadLetterId">The dead letter.</param>
    /// <param name="correctedInput">
    /// An input to use instead. Default: the task's own. Where the replay is given up and the store cannot write this input, the letter stays.
    /// </param>
    /// <param name="cancellationToken">Cancels the replay; the letter stays.</param>
    /// <returns>What became of the replay.</returns>
    /// <exception cref="TaskValidationException">There is no such letter, it has no task, or it is being replayed already.</exception>
    /// <exception cref="StateException">
    /// LEASE_LOST: the store could not be reached for so long that another has begun to replay the letter. The task was cancelled here.
    /// </exception>
    public async ValueTask<TaskResult> ReplayDeadLetterAsync(
        string deadLetterId, TaskData? correctedInput = null, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(deadLetterId);
        using var place = EnterReplay();

        // Looked up before anything is leased, and once more when nobody else can be replaying it.
        _ = await LetterAsync(deadLetterId, cancellationToken).ConfigureAwait(false);
        var lease = await ReplayLease.TryTakeAsync(
            _state.Leases, _watchedReplays, deadLetterId, Id, _time, _logger, _aborted, cancellationToken).ConfigureAwait(false)
            ?? throw new TaskValidationException($"Dead letter '{deadLetterId}' is being replayed already.");
        await using var disposal = lease.ConfigureAwait(false);
        var letter = await LetterAsync(deadLetterId, cancellationToken).ConfigureAwait(false);
        if (correctedInput is null && await SuccessSinceAsync(letter, cancellationToken).ConfigureAwait(false) is { } success)
        {
            await DeleteReplayedAsync(deadLetterId, cancellationToken).ConfigureAwait(false);
            return success;
        }

        var replay = await ReplayOfAsync(letter, correctedInput, lease, cancellationToken).ConfigureAwait(false);
        TaskResult result;
        try
        {
            result = await DispatchAsync(replay, lease.Ending).ConfigureAwait(false);

            // The process may have been paused for so long that another replays it by now.
            await lease.EnsureOwnsAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (lease.Ending.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw lease.Lost;
        }

        if (replay.DeadLetter is not null)
        {
            // Given up again: the replay's own letter takes the place of this one, whether or not its result can be recorded.
            await DeleteReplayedAsync(deadLetterId, cancellationToken).ConfigureAwait(false);
        }

        var own = result with { WorkflowId = null, Round = 0 };
        var outcome = await AwaitSavedAsync(SaveAsync(own), own, cancellationToken).ConfigureAwait(false);
        var recorded = outcome == RecordOutcome.Recorded ? own : await RecordedAsync(own, cancellationToken).ConfigureAwait(false);
        if (own.IsSuccess)
        {
            await DeleteReplayedAsync(deadLetterId, cancellationToken).ConfigureAwait(false);
        }

        return recorded;
    }

    /// <summary>
    /// What was replayed must not be again for a store that fails for a moment: it is asked again for a while. When the letter cannot be deleted at all,
    /// the log says so, and the replay has its result.
    /// </summary>
    private async ValueTask DeleteReplayedAsync(string deadLetterId, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _aborted);
        try
        {
            await StoreRepetition.AskAsync(
                _time,
                _logger,
                deadLetterId,
                letter => _state.DeleteDeadLetterAsync(letter, CancellationToken.None),
                static letter => $"dead letter '{letter}', which was replayed, was to be deleted.",
                static (_, _, _) => { },
                patience.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever keeps the store from it: the replay is done, and recorded.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReplayedKept(_logger, exception, deadLetterId);
        }
    }

    /// <summary>Replays every dead letter that has a task, one after another, the oldest first. One that fails again does not stop the others.</summary>
    /// <param name="cancellationToken">Cancels the replay under way; what was not replayed stays.</param>
    /// <returns>The results, in the order of the letters; when the coordinator stops meanwhile, those of the letters that were replayed before.</returns>
    /// <exception cref="InvalidOperationException">The coordinator is not started.</exception>
    /// <exception cref="NoAvailableAgentException">The coordinator stopped before the first was replayed; its letter stays.</exception>
    public async ValueTask<IReadOnlyList<TaskResult>> ReplayDeadLettersAsync(CancellationToken cancellationToken = default)
    {
        var results = new List<TaskResult>();
        var letters = await LettersWithoutInputsAsync(cancellationToken).ConfigureAwait(false);
        _watchedReplays.ForgetAllBut(letters.Select(static letter => ReplayLease.NameOf(letter.Id)).ToHashSet(StringComparer.Ordinal));
        foreach (var letter in letters)
        {
            if (letter.Task is null)
            {
                continue;
            }

            try
            {
                results.Add(await ReplayDeadLetterAsync(letter.Id, correctedInput: null, cancellationToken).ConfigureAwait(false));
            }
            catch (ConductorException exception) when (_stopped && results.Count > 0 && StopFailures.IsOf(exception, Id))
            {
                // Given back, which is no failure.
                break;
            }
            catch (ConductorException exception) when (!_stopped || !StopFailures.IsOf(exception, Id))
            {
                results.Add(NotReplayed(letter, _environment.Classify(exception, letter.Task, letter.WorkflowId)));
            }
            catch (OperationCanceledException) when (_stopped && results.Count > 0 && !cancellationToken.IsCancellationRequested)
            {
                // What was done is worth more than why the rest was not.
                break;
            }
            catch (InvalidOperationException) when (_stopped && results.Count > 0)
            {
                break;
            }
#pragma warning disable CA1031 // A bus may throw anything. (Where nobody is started, no letter can be replayed.)
            catch (Exception exception) when (IsStarted && (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested))
#pragma warning restore CA1031
            {
                results.Add(NotReplayed(letter, _environment.Classify(exception, letter.Task, letter.WorkflowId)));
            }
        }

        return results;
    }

    /// <summary>Keeps a task as a dead letter because its process died too often under it. Doing it again finds the same letter.</summary>
    internal ValueTask GiveUpAsync(DispatchTicket ticket, TaskError error, int crashes) => _errors.GiveUpAsync(
        error,
        new Errors.ErrorContext
        {
            AgentType = ticket.Task.AgentType,
            Task = ticket.Task,
            WorkflowId = ticket.WorkflowId,
            Round = ticket.Round,
            Attempt = crashes,
            IdempotencyKey = ticket.Assignment.IdempotencyKey,
            LetterId = ticket.Owner?.LetterIdOf(ticket.Assignment),
        },
        CancellationToken.None);

    /// <summary>
    /// All letters, the oldest first. Each is read again when its turn comes: until then what the agents are to get, which may be large, is not held.
    /// </summary>
    private async ValueTask<List<ErrorRecord>> LettersWithoutInputsAsync(CancellationToken cancellationToken)
    {
        var letters = new List<ErrorRecord>();
        await foreach (var letter in _errors.ReadDeadLettersAsync(PageRequest.DefaultSize, cancellationToken).ConfigureAwait(false))
        {
            letters.Add(letter.Task is { } task ? letter with { Task = task with { Input = TaskData.Empty } } : letter);
        }

        return letters;
    }

    private async ValueTask<ErrorRecord> LetterAsync(string id, CancellationToken cancellationToken) =>
        await _state.GetDeadLetterAsync(id, cancellationToken).ConfigureAwait(false)
        ?? throw new TaskValidationException($"There is no dead letter '{id}': it was replayed, cleared or never kept.");

    /// <summary>
    /// The result of a task outside runs that was dispatched again under its id, and succeeded: it is not to be done once more for the letter that it left
    /// when it was refused, or its result could not be saved.
    /// </summary>
    private async ValueTask<TaskResult?> SuccessSinceAsync(ErrorRecord letter, CancellationToken cancellationToken)
    {
        if (letter is not { WorkflowId: null, Task: { LazyId: { IsBlank: false, Problem: null } } task }
            || await _state.GetTaskResultAsync(task.LazyId, cancellationToken).ConfigureAwait(false) is not { IsSuccess: true } known)
        {
            return null;
        }

        Log.AlreadyRecorded(_logger, task.Id);
        return known;
    }

    private async ValueTask<DispatchTicket> ReplayOfAsync(ErrorRecord letter, TaskData? correctedInput, ReplayLease lease, CancellationToken cancellationToken)
    {
        var task = letter.Task ?? throw new TaskValidationException($"Dead letter '{letter.Id}' has no task to replay.");

        // It keeps what it depends on: its own letter, should it be given up again, is replayed like this one.
        var replay = task with { Id = EntityId.New(), Name = task.Name, Input = correctedInput ?? task.Input };
        TaskValidation.ThrowIfInvalid(replay, _errors);
        var seen = await RunAsSeen.ReadAsync(_state, letter, replay.DependsOn, cancellationToken).ConfigureAwait(false);
        if (seen.IsIncomplete)
        {
            Log.ReplayedWithout(_logger, letter.Id, letter.WorkflowId!, seen.Describe());
        }

        return new DispatchTicket(new TaskAssignment
        {
            Task = replay,
            Phase = letter.WorkflowId is null ? replay.Phase : WorkflowPhase.Of(replay),
            WorkflowId = letter.WorkflowId,
            Round = letter.Round,
            IdempotencyKey = StateManager.ExecutionOf(letter)!.Value.IdempotencyKey,
            DependencyOutputs = seen.Outputs,
            Feedback = seen.Findings,
            LacksOutputs = seen.Missing.Count > 0,
            ReplayOf = letter.Id,
        })
        {
            Owner = lease,
        };
    }

    private TaskResult NotReplayed(ErrorRecord letter, TaskError error) => new()
    {
        TaskId = letter.Task!.Id,
        WorkflowId = letter.WorkflowId,
        Round = letter.Round,
        Status = AgentTaskStatus.Failed,
        Error = error,
        StartedAt = _time.GetUtcNow(),
        CompletedAt = _time.GetUtcNow(),
    };
}
