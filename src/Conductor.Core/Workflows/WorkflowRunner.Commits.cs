using System.Globalization;
using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <content>Committing steps, and telling of them.</content>
internal sealed partial class WorkflowRunner
{
    private static readonly TimeSpan _slowestCommitRetry = TimeSpan.FromSeconds(5);

    /// <summary>The channel on which the run is followed.</summary>
    private readonly string _channel;

    /// <summary>What is told of as soon as the step under way is committed; null as long as nobody listens.</summary>
    private Queue<(string Channel, IReadOnlyDictionary<string, string> Arguments)>? _announcements;

    /// <summary>A notice that the bus has not answered.</summary>
    private Task? _unanswered;

    private async ValueTask CommitChangesAsync()
    {
        if (_journal.HasChanges)
        {
            await CommitAsync(definition: null).ConfigureAwait(false);
        }
    }

    private async ValueTask CommitAsync(WorkflowDefinition? definition)
    {
        var step = _journal.Take(_summary, Lease.Current, definition);
        await EnsureLeaseAsync().ConfigureAwait(false);
        await SaveTimedAsync(step).ConfigureAwait(false);
        AllowBegun();
        await RemoveSupersededAsync().ConfigureAwait(false);
        Committed.Beat();
        if (_services.State.IsShared && _services.Bus.MayReach(_channel))
        {
            await PublishAsync(_channel, Arguments()).ConfigureAwait(false);
        }

        while (_announcements?.TryDequeue(out var announcement) == true)
        {
            await PublishAsync(announcement.Channel, announcement.Arguments).ConfigureAwait(false);
        }

        ReportProgress();
    }

    /// <summary>An owner that was paused too long to rely on its lease asks first whether it still has it.</summary>
    private ValueTask EnsureLeaseAsync() => Lease.IsFresh || _services.Options.IgnoresLeases ? ValueTask.CompletedTask : RenewLeaseAsync();

    /// <summary>Asks as long as the lease may be held: a store that fails now may work in time.</summary>
    private async ValueTask RenewLeaseAsync()
    {
        var repetition = new Repetition(_services.Time, _services.Options.LeaseDuration, _slowestCommitRetry);
        while (!Lease.IsFresh)
        {
            TimeSpan delay;
            try
            {
                if (await Lease.TryRenewAsync(_services.State.Leases, NotRenewed, CancellationToken.None).ConfigureAwait(false))
                {
                    return;
                }

                throw new StateException(
                    ErrorCodes.LeaseLost, $"Run '{RunId}' was paused here for so long that another process owns it now. Get it by its id to follow it.");
            }
            catch (StateException exception) when (MayRepeat(exception, repetition))
            {
                NotRenewed(exception);
                delay = repetition.NextDelay();
            }

            await Lease.RestAsync(delay, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void NotRenewed(Exception exception) => Log.RenewalFailed(_services.Logger, exception, RunId);

    /// <summary>A task that waited or ran for long must neither begin nor be given up when another process may have it by now.</summary>
    ValueTask IDispatchOwner.EnsureOwnsAsync()
    {
        var held = EnsureLeaseAsync();
        return held.IsCompletedSuccessfully ? held : AwaitHeldAsync(held);
    }

    /// <inheritdoc />
    string IDispatchOwner.LetterIdOf(TaskAssignment assignment) => LetterIdOf(assignment.Task.Id, assignment.Round);

    /// <summary>One letter for one execution. With the moment of the run's start: its id may be another run's once it is deleted, and letters stay.</summary>
    private string LetterIdOf(string taskId, int round) => $"{RunId}:{taskId}:{round}:{_summary.StartedAt.UtcTicks:x}";

    private async ValueTask AwaitHeldAsync(ValueTask held)
    {
        try
        {
            await held.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a store of somebody's own throws: it is not known to own the run, which is lost here, and no task of it failed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Lose(exception);
            throw new OperationCanceledException(ExceptionText.Of(exception), exception);
        }
    }

    /// <summary>
    /// A store that cannot be written now is asked again as long as the lease may be held, and for one term of it at most: repeating a step is
    /// safe. After that the run is lost here, and taken up again, by this process or another, when the store works; so it is at once when the
    /// engine's stop has no more time. One that does not answer is one that cannot be written.
    /// </summary>
    private async ValueTask SaveAsync(WorkflowTransition step)
    {
        var repetition = new Repetition(_services.Time, _services.Options.LeaseDuration, _slowestCommitRetry);
        while (true)
        {
            TimeSpan delay;
            try
            {
                _journal.NoteCommitted(await InTimeAsync(_journal.CommitAsync(step)).ConfigureAwait(false));
                return;
            }
            catch (StateException exception) when (MayRepeat(exception, repetition))
            {
                delay = repetition.NextDelay();
                Log.CommitRetried(_services.Logger, exception, RunId, delay);
            }

            await Task.Delay(delay, _services.Time).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a step no longer than it would be repeated: as long as its lease is renewed, nobody else could go on with the run.</summary>
    private ValueTask<long> InTimeAsync(ValueTask<long> answer) => answer.IsCompleted ? answer : answer.InTimeAsync(
        _services.Options.LeaseDuration,
        _services.Time,
        $"a step of run '{RunId}' was to be saved: it hangs, or another process locks it.",
        StateManager.WorkflowKey(RunId),
        exception => Log.CommitFailedLate(_services.Logger, exception, RunId),
        CancellationToken.None);

    private bool MayRepeat(StateException exception, Repetition repetition) =>
        exception.IsTransient == true && Lease.TimeLeft > TimeSpan.Zero && !repetition.IsOver && StopCause != StopCause.HandedOver;

    private void ReportProgress()
    {
        var later = _services.Listeners.Of(RunId);
        if (_options.Progress is null && later.IsEmpty)
        {
            return;
        }

        var progress = new WorkflowProgress
        {
            WorkflowId = RunId,
            Status = _summary.Status,
            Phase = _summary.CurrentPhase,
            Round = _summary.Round,
            FinishedTasks = _board.FinishedCount,
            TasksInFlight = _board.InFlightCount,
            TotalTasks = _plan.TaskCount,
        };
        Report(_options.Progress, progress);
        foreach (var listener in later)
        {
            Report(listener == _options.Progress ? null : listener, progress);
        }
    }

    private void Report(IProgress<WorkflowProgress>? listener, WorkflowProgress progress)
    {
        try
        {
            listener?.Report(progress);
        }
#pragma warning disable CA1031 // A user's callback may throw anything; the run must not suffer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ProgressFailed(_services.Logger, exception, RunId);
        }
    }

    /// <summary>Has those who follow a phase, or the run, told that it began or ended, as soon as that is committed. Best effort.</summary>
    private void Announce(string channel)
    {
        if (_services.Bus.MayReach(channel))
        {
            (_announcements ??= []).Enqueue((channel, Arguments()));
        }
    }

    private async ValueTask PublishAsync(string channel, IReadOnlyDictionary<string, string> arguments)
    {
        if (_unanswered is { IsCompleted: false })
        {
            // Nor would it answer this one: the run does not wait for it at each step.
            return;
        }

        try
        {
            var published = _services.Bus.PublishAsync(channel, new AgentMessage
            {
                Type = MessageType.Control,
                Sender = _services.Coordinator.Id,
                CorrelationId = RunId,
                Payload = new ControlPayload { Command = ControlPayload.WorkflowChanged, Arguments = arguments },
            });
            if (!published.IsCompletedSuccessfully)
            {
                _unanswered = published.AsTask();
                await new ValueTask(_unanswered).WaitHeardAsync(
                    LateFailure.NoticePatience, _services.Time, exception => Log.NoticeFailed(_services.Logger, exception, RunId), CancellationToken.None)
                    .ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // Whatever a provider throws: what is told of is committed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NoticeFailed(_services.Logger, exception, RunId);
        }
    }

    private IReadOnlyDictionary<string, string> Arguments() => Snapshot.Owning(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["workflow_id"] = RunId,
        ["status"] = EnumName<WorkflowStatus>.Of(_summary.Status),
        ["phase"] = _summary.CurrentPhase?.Name ?? string.Empty,
        ["outcome"] = _phaseRecord is { } record ? EnumName<PhaseOutcome>.Of(record.Outcome) : string.Empty,
        ["round"] = _summary.Round.ToString(CultureInfo.InvariantCulture),
    });
}
