using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Coordination;

/// <content>Replaying dead letters.</content>
public sealed partial class AgentCoordinator
{
    private static readonly TimeSpan _replayLease = TimeSpan.FromHours(25);

    /// <summary>
    /// Runs a dead letter's task again: a new execution outside its workflow, which has gone on, under the same idempotency key (so that
    /// recorded effects are not repeated) and with a reference to what it replays. The letter is removed when the replay succeeded, and
    /// replaced by its own when it was given up again.
    /// </summary>
    /// <param name="deadLetterId">The dead letter.</param>
    /// <param name="correctedInput">An input to use instead. Default: the task's own.</param>
    /// <param name="cancellationToken">Cancels the replay; the letter stays.</param>
    /// <returns>What became of the replay.</returns>
    /// <exception cref="TaskValidationException">There is no such letter, it has no task, or it is being replayed already.</exception>
    public async ValueTask<TaskResult> ReplayDeadLetterAsync(
        string deadLetterId, TaskData? correctedInput = null, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(deadLetterId);
        var leaseName = $"replay:{deadLetterId}";
        var lease = await _state.Leases.TryAcquireAsync(leaseName, Id, _replayLease, cancellationToken).ConfigureAwait(false)
            ?? throw new TaskValidationException($"Dead letter '{deadLetterId}' is being replayed already.");
        try
        {
            var letter = await _state.GetDeadLetterAsync(deadLetterId, cancellationToken).ConfigureAwait(false)
                ?? throw new TaskValidationException($"There is no dead letter '{deadLetterId}': it was replayed, cleared or never kept.");
            var replay = ReplayOf(letter, correctedInput);
            var result = await DispatchAsync(replay, cancellationToken).ConfigureAwait(false);
            var own = SavableResult.Of(_state, result with { WorkflowId = null, Round = 0 }, replay.Task.Optional, _logger);
            var outcome = await AwaitSavedAsync(SaveAsync(own), own, cancellationToken).ConfigureAwait(false);
            var recorded = outcome == RecordOutcome.Recorded ? own : await RecordedAsync(own).ConfigureAwait(false);
            if (own.IsSuccess || replay.DeadLetter is not null)
            {
                // Done, or given up again: then the replay's own letter takes the place of this one.
                await _state.DeleteDeadLetterAsync(letter.Id, CancellationToken.None).ConfigureAwait(false);
            }

            return recorded;
        }
        finally
        {
            await _state.Leases.ReleaseAsync(lease, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Replays every dead letter that has a task, one after another, the oldest first. One that fails again does not stop the others.</summary>
    /// <param name="cancellationToken">Cancels the replay under way; what was not replayed stays.</param>
    /// <returns>The results, in the order of the letters.</returns>
    public async ValueTask<IReadOnlyList<TaskResult>> ReplayDeadLettersAsync(CancellationToken cancellationToken = default)
    {
        var results = new List<TaskResult>();
        foreach (var letter in await _errors.GetDeadLetterQueueAsync(cancellationToken).ConfigureAwait(false))
        {
            if (letter.Task is null)
            {
                continue;
            }

            try
            {
                results.Add(await ReplayDeadLetterAsync(letter.Id, correctedInput: null, cancellationToken).ConfigureAwait(false));
            }
            catch (ConductorException exception)
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
        },
        $"crash:{ticket.Assignment.IdempotencyKey}",
        CancellationToken.None);

    private DispatchTicket ReplayOf(ErrorRecord letter, TaskData? correctedInput)
    {
        var task = letter.Task ?? throw new TaskValidationException($"Dead letter '{letter.Id}' has no task to replay.");
        var replay = task with { Id = EntityId.New(), Name = task.Name, DependsOn = [], Input = correctedInput ?? task.Input };
        TaskValidation.ThrowIfInvalid(replay, _errors);
        return new DispatchTicket(new TaskAssignment
        {
            Task = replay,
            Phase = replay.Phase,
            WorkflowId = letter.WorkflowId,
            Round = letter.Round,
            IdempotencyKey = letter.IdempotencyKey ?? new ExecutionKey(letter.WorkflowId, task.Id, letter.Round).ToIdempotencyKey(task.IdempotencyKey),
            ReplayOf = letter.Id,
        });
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
