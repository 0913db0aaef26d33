using Conductor.Policies;

namespace Conductor.Workflows;

/// <content>The gate at a phase's end, and the feedback that sends a run back.</content>
internal sealed partial class WorkflowRunner
{
    private async ValueTask<bool> CheckPhaseGateAsync(int phase, IReadOnlyList<Feedback> grave)
    {
        var (completed, failed, skipped) = _board.Count(phase);
        var context = new GatePolicyContext
        {
            Phase = _plan.Phase(phase),
            WorkflowId = RunId,
            DefinitionName = _plan.Definition.Name,
            Round = _summary.Round,
            CompletedTasks = completed,
            FailedTasks = failed,
            SkippedTasks = skipped,
        };

        // A phase's last results are committed with what follows, the begin of the next phase or the end of the run. Not when an application's
        // policy judges the gate: what it is asked about is stored before. Nor when feedback sends the run back: the tasks that run again have
        // their results before they are reopened.
        var byNumbersAlone = _services.Policies.JudgesByNumbersAlone(context);
        if (!byNumbersAlone || grave.Count > 0)
        {
            await CommitChangesAsync().ConfigureAwait(false);
        }

        var asked = byNumbersAlone
            ? await _services.Policies.FindDenialAsync(context, CancellationToken.None).ConfigureAwait(false)
            : await AskGateAsync(context).ConfigureAwait(false);
        if (asked is not { } verdict)
        {
            await StopEarlyAsync(phase).ConfigureAwait(false);
            return false;
        }

        EndPhase(phase, verdict.IsAllowed ? PhaseOutcome.Passed : PhaseOutcome.Failed, verdict.Denial?.Reason);
        if (verdict.Denial is { } denial)
        {
            var cause = _board.FirstFailure(phase) is { Error: { } error } first
                ? $" Task '{first.TaskId}' failed ({error.Code}): {error.Message}"
                : string.Empty;
            Fail(ErrorCodes.PhaseGateFailed, $"Phase '{_plan.Phase(phase)}' did not pass its gate: policy '{denial.PolicyName}': {denial.Reason}{cause}");
            await EndAsync(WorkflowStatus.Failed).ConfigureAwait(false);
        }

        return verdict.IsAllowed;
    }

    /// <summary>
    /// Asks an application's policies about a gate. They may wait for a person's word, and the run still be stopped: its next owner asks again.
    /// </summary>
    /// <returns>Null when the run stops.</returns>
    private async ValueTask<PolicyVerdict?> AskGateAsync(GatePolicyContext context)
    {
        var stopped = UntilStopped();
        try
        {
            stopped.ThrowIfCancellationRequested();
            return await _services.Policies.FindDenialAsync(context, stopped).AsTask().WaitAsync(stopped).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            return null;
        }
    }

    private void EndPhase(int phase, PhaseOutcome outcome, string? reason)
    {
        var (completed, failed, skipped) = _board.Count(phase);
        _phaseRecord = _phaseRecord! with
        {
            CompletedAt = _services.Time.GetUtcNow(),
            Outcome = outcome,
            CompletedTasks = completed,
            FailedTasks = failed,
            SkippedTasks = skipped,
            Reason = reason,
        };
        _journal.Add(_phaseRecord);
        Note(WorkflowEventKind.PhaseFinished, reason is null ? EnumName<PhaseOutcome>.Of(outcome) : $"{EnumName<PhaseOutcome>.Of(outcome)}: {reason}");
        Announce(_plan.PhaseChannel(phase));
    }

    /// <summary>Where the run goes after a phase that passed: on, back by feedback, or nowhere (null) because it found no end.</summary>
    private int? HandleFeedback(int phase, IReadOnlyList<Feedback> grave)
    {
        if (grave.Count == 0)
        {
            return phase + 1;
        }

        if (!_feedbackLoop.Follows(phase) || _feedbackLoop.IsOff)
        {
            Warn(ErrorCodes.FeedbackIgnored, $"Feedback of phase '{_plan.Phase(phase)}' sends nothing back: no feedback rule follows it, or the loop is off.");
            return phase + 1;
        }

        if (_summary.Round >= _feedbackLoop.MaxRounds)
        {
            var message =
                $"Feedback of phase '{_plan.Phase(phase)}' still comes after {_feedbackLoop.MaxRounds} round(s): " +
                $"{string.Join("; ", grave.SelectMany(static item => item.Findings))}";
            if (_feedbackLoop.AtLimit == FeedbackLimitAction.Continue)
            {
                Warn(ErrorCodes.MaxFeedbackLoops, message);
                return phase + 1;
            }

            Fail(ErrorCodes.MaxFeedbackLoops, message);
            return null;
        }

        SendBack(phase, grave);
        return _feedbackLoop.To;
    }

    private void SendBack(int phase, IReadOnlyList<Feedback> grave)
    {
        var (again, unknown) = _feedbackLoop.Affected(grave);
        if (unknown.Count > 0)
        {
            Warn(ErrorCodes.FeedbackIgnored, $"Feedback names tasks that cannot run again: {string.Join(", ", unknown)}.");
        }

        var (from, to, round) = (_plan.Phase(phase), _plan.Phase(_feedbackLoop.To), _summary.Round + 1);
        _journal.Add(_phaseRecord! with { Outcome = PhaseOutcome.SentBack });
        _board.Reopen(again);
        _findings = grave;
        _crashes = null;
        _summary = _summary with { Round = round };
        _journal.Add(
            new FeedbackRound { Round = round, From = from, To = to, Feedback = grave, StartedAt = _services.Time.GetUtcNow() },
            again.Select(index => _plan.Task(index).Id));
        Note(WorkflowEventKind.FeedbackRoundStarted, string.Join("; ", grave.SelectMany(static item => item.Findings)));
        Log.SentBack(_services.Logger, RunId, from.Name, to.Name, round);
    }
}
