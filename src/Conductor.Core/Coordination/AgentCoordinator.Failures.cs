using System.Runtime.ExceptionServices;
using Conductor.Errors;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>What is done about an attempt that failed, and a dispatch that finds no way in.</content>
public sealed partial class AgentCoordinator
{
    private static TaskResult FinalResult(TaskResult result, ErrorDecision decision) => decision.Action == ErrorAction.Skip
        ? result with { Status = AgentTaskStatus.Skipped }
        : result.Status == AgentTaskStatus.Failed ? result : result with { Status = AgentTaskStatus.Failed };

    /// <summary>
    /// What fails because this coordinator, or an engine of it, stops (a workflow that it awaited was handed over, what it asked for was refused),
    /// or when the container is being disposed and may not have given what was needed: neither says anything about the task, which is given back.
    /// </summary>
    private void ThrowIfByStop(AgentSlot slot, DispatchTicket ticket, TaskResult result)
    {
        if (slot.FailedByStop && EndsWithStop(ticket))
        {
            Log.FailedByStop(_logger, ticket.Task.Id, slot.Id, result.Error?.Message);
            throw GiveBackFailed(
                slot,
                ticket,
                $"Task '{ticket.Task.Id}' failed because Conductor stops, which ended or refused what it asked for ({result.Error?.Message}). " +
                    "Nothing is recorded: dispatch it again after the next start.");
        }

        if (_host.LacksServices)
        {
            Log.FailedForWantOfServices(_logger, ticket.Task.Id, slot.Id, result.Error?.Message);
            throw GiveBackFailed(
                slot,
                ticket,
                $"Task '{ticket.Task.Id}' failed while the container was being disposed, which no longer gave what it needed " +
                    $"({result.Error?.Message}). Nothing is recorded: dispatch it again after the " +
                "next start, and stop Conductor, or the host, before the container is disposed.");
        }
    }

    /// <summary>Not a task of a run that goes on: it asked an engine that stops, which is not its own, and fails by that like by anything else.</summary>
    private bool EndsWithStop(DispatchTicket ticket) =>
        ticket.IsStandalone || ticket.Assignment.ReplayOf is not null || ticket.IsToBeGivenBack || _stop.Asked.IsCancellationRequested;

    private NoAvailableAgentException GiveBackFailed(AgentSlot slot, DispatchTicket ticket, string message)
    {
        Forsake(slot);
        ticket.IsGivenBack = true;
        return StopFailures.Mark(new NoAvailableAgentException(ticket.Task.AgentType, message), Id);
    }

    private async ValueTask<ErrorDecision> DecideAsync(AgentSlot slot, DispatchTicket ticket, TaskResult result, CancellationToken cancellationToken)
    {
        var error = result.Error ?? new TaskError { Code = ErrorCodes.UnknownError, Message = $"Agent '{slot.Id}' gave no reason." };
        var context = ErrorContext.None;
        var decision = default(ErrorDecision);

        // One that had less than an attempt's time, because its caller had no more, is like one that its caller cancelled: nothing is counted.
        var isAgents = error.Code != ErrorCodes.AgentTimeout || !slot.WasEndedByDeadline;
        try
        {
            // (Nothing is kept of one that is known no more.)
            context = ticket.ToErrorContext(slot, slot.Pool.HasOther(slot), _time, isAgents && !TypeOf(slot.Id).IsEmpty);
            decision = _errors.Decide(error, context);
        }
        finally
        {
            // Before anything is kept: the agent need not wait for a store.
            if (isAgents)
            {
                Settle(slot, success: false, isFinal: decision?.Action != ErrorAction.Retry);
            }
            else
            {
                Forsake(slot);
            }
        }

        return await CarryOutAsync(error, context, decision, ticket, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// An assignment could not be published, which is no agent's failure. What is transient is tried again like an attempt that failed. What is not, or
    /// has been tried often enough, is the error of a task that ran before, and is thrown where none of its attempts did.
    /// </summary>
    /// <returns>The result, if that is the end; null when the time of the next attempt has come.</returns>
    private async ValueTask<TaskResult?> NotPublishedAsync(
        AgentSlot slot, DispatchTicket ticket, Exception exception, DispatchSpan step, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException)
        {
            ExceptionDispatchInfo.Throw(exception);
        }

        var error = _environment.Classify(exception, ticket.Task, ticket.WorkflowId);
        var context = ticket.ToErrorContext(slot, slot.Pool.HasOther(slot), _time, isFailureOfAgent: false);
        var decision = _errors.Decide(error, context);
        if (decision.Action != ErrorAction.Retry && !ticket.HasRun)
        {
            step.Fail(error);
            ExceptionDispatchInfo.Throw(exception);
        }

        decision = await CarryOutAsync(error, context, decision, ticket, cancellationToken).ConfigureAwait(false);
        if (decision.Action != ErrorAction.Retry)
        {
            step.Fail(error);
            return ticket.Complete(FinalResult(ticket.NotRun(error, _time), decision), _time);
        }

        await BackOffAsync(failed: null, ticket, error, decision.Delay, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>
    /// An attempt failed: waits for the time of the next one. Meanwhile the task is not under way, and whoever dispatched it knows that: a process
    /// that dies now does not die of it.
    /// </summary>
    private async ValueTask BackOffAsync(AgentSlot? failed, DispatchTicket ticket, TaskError error, TimeSpan delay, CancellationToken cancellationToken)
    {
        ticket.Beginning = ticket.Owner?.NoteRetry(new TaskRetry(ticket.Task.Id, failed?.Id, ticket.AttemptsBegun, error, delay));
        await _admissions.BackOffAsync(ticket, delay, cancellationToken).ConfigureAwait(false);
        ticket.NextAttempt(failed, error, delay, _time);
    }

    /// <summary>
    /// Not cancellable: a failure that happened is kept and announced whoever stopped waiting meanwhile. But nobody who does, or stops, has to wait
    /// for a store that cannot be written now.
    /// </summary>
    private async ValueTask<ErrorDecision> CarryOutAsync(
        TaskError error, ErrorContext context, ErrorDecision decision, DispatchTicket ticket, CancellationToken cancellationToken)
    {
        if (decision.Action != ErrorAction.Retry)
        {
            // Whoever has it by now may yet bring it to a good end.
            await ticket.EnsureOwnedAsync().ConfigureAwait(false);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _aborted);
        var done = await _errors.CarryOutAsync(error, context, decision, CancellationToken.None, patience.Token).ConfigureAwait(false);
        ticket.DeadLetter = done.Record;
        return done;
    }

    /// <summary>
    /// What never ran is thrown; what ran before is a failed result. One that was to run again and cannot is kept as a dead letter, unless a policy
    /// denies it; so is one that never ran because all circuits are open. No agent is blamed for it.
    /// </summary>
    private async ValueTask<TaskResult> NotAdmittedAsync(
        DispatchTicket ticket, ConductorException exception, DispatchSpan step, CancellationToken cancellationToken)
    {
        var error = _environment.Classify(exception, ticket.Task, ticket.WorkflowId);
        if (_stopped || ticket.IsGivenBack)
        {
            // It did not fail: its next attempt was not begun. Recorded, it could never be dispatched again.
            throw ticket.IsGivenBack ? StopFailures.Mark(exception, Id) : exception;
        }

        step.Fail(error);

        var ran = ticket.HasRun;
        if (!ran && (exception is not CircuitOpenException || ticket.Assignment.ReplayOf is not null))
        {
            // (A replay that finds no way in leaves the letter it replays where it is.)
            throw exception;
        }

        var context = ticket.ToErrorContext(slot: null, otherAgentsAvailable: false, _time);
        if (ran && exception is not PolicyViolationException)
        {
            context = context with { GivenUpBecause = "no other attempt of it could begin." };
        }

        if (ticket.LastError is { } cause)
        {
            // Where nobody was left to try it again, what it failed with is the error.
            error = exception is NoAvailableAgentException
                ? cause with { Message = $"{cause.Message} It could not be tried again: {error.Message}" }
                : error with { Message = $"{error.Message} Its last attempt failed ({cause.Code}): {cause.Message}" };
        }

        var final = error with { IsTransient = false };
        var decision = await CarryOutAsync(final, context, _errors.Decide(final, context), ticket, cancellationToken).ConfigureAwait(false);
        return ran ? ticket.Complete(FinalResult(ticket.NotRun(error, _time), decision), _time)
            : throw (decision.Record is { } letter ? ((CircuitOpenException)exception).KeptAs(letter.Id) : exception);
    }

    /// <summary>Being cancelled is no failure.</summary>
    private void FailUnlessCancelled(DispatchSpan step, Exception exception)
    {
        if (exception is not OperationCanceledException)
        {
            step.Fail(_environment.Classify(exception, task: null, workflowId: null));
        }
    }
}
