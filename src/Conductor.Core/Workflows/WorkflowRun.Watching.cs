using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Conductor.Messaging;
using Conductor.State;

namespace Conductor.Workflows;

/// <content>Watching what happens in the run.</content>
public sealed partial class WorkflowRun
{
    /// <summary>Progress reports that wait for whoever watches; the oldest make room.</summary>
    private const int ProgressCapacity = 256;

    /// <summary>Of those, so many are given before the committed events that wait beside them.</summary>
    private const int ProgressPerTurn = 16;

    /// <summary>
    /// What happened in the run, from any position on, as it was committed; ends with the run. Several may watch at once. Where the position
    /// is no longer kept, a snapshot event stands in for what is missing; where the store forgets the whole run before its end was taken from here
    /// (<see cref="RetentionOptions"/>), the last event of a run of this engine is one, too, and that of another engine's ends without. Progress reports come
    /// in between; they have no position. Who takes events more slowly than progress is reported misses the oldest reports, and may see some of a task after
    /// its end.
    /// </summary>
    /// <param name="afterPosition">The position of the last event already seen; 0 for all.</param>
    /// <param name="cancellationToken">Stops watching.</param>
    /// <exception cref="ArgumentOutOfRangeException">The position is negative.</exception>
    /// <exception cref="StateException">
    /// LEASE_LOST: the run was handed over as this engine stopped, and the store was disconnected after that, so that it cannot be followed from
    /// here. Otherwise what the store said.
    /// </exception>
    public IAsyncEnumerable<WorkflowEvent> WatchAsync(long afterPosition = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterPosition);
        return WatchFromAsync(afterPosition, cancellationToken);
    }

    private async IAsyncEnumerable<WorkflowEvent> WatchFromAsync(long afterPosition, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var progress = Channel.CreateBounded<WorkflowEvent>(new BoundedChannelOptions(ProgressCapacity) { FullMode = BoundedChannelFullMode.DropOldest });
        var doorbell = new Pulse();
        var subscription = await SubscribeAsync(progress.Writer, doorbell, cancellationToken).ConfigureAwait(false);
        await using var subscribed = subscription.ConfigureAwait(false);
        var position = afterPosition;
        var rung = Task.CompletedTask;
        WorkflowRunner? runner = null;
        var wasOver = _runner?.FinalState is not null;
        var lastKnown = _runner;
        while (true)
        {
            // Taken before the store is read: what is committed in between is not missed. One that has not rung is awaited again: each would stay
            // with the bells as long as they are silent. This engine may have taken the run over since.
            var current = _services.Runners.GetValueOrDefault(RunId) ?? _runner;
            rung = rung.IsCompleted || current != runner ? Task.WhenAny(doorbell.Next, current?.Committed.Next ?? doorbell.Next) : rung;
            runner = current;
            lastKnown = current ?? lastKnown;
            var history = await ReadHistoryAsync(position, cancellationToken).ConfigureAwait(false);
            if (history is null)
            {
                // It ended while it was watched, and is not kept: otherwise nobody would be told how.
                if (!wasOver && lastKnown?.FinalState is { } end && lastKnown.LastPosition > position)
                {
                    yield return SnapshotOf(end, lastKnown.LastPosition);
                }

                yield break;
            }

            // Those that came before what is committed come before it, but not for ever: as fast as they are taken, others may come. When the run
            // is over, none does.
            for (var most = history.IsComplete ? ProgressCapacity : ProgressPerTurn; most > 0 && progress.Reader.TryRead(out var report); most--)
            {
                yield return report;
            }

            if (history.FirstPosition - 1 > position)
            {
                yield return SnapshotOf(await GetStateAsync(cancellationToken).ConfigureAwait(false), history.FirstPosition - 1);
            }

            foreach (var happening in history.Events)
            {
                position = happening.Position;
                yield return happening;
            }

            if (position >= history.LastPosition)
            {
                if (history.IsComplete)
                {
                    yield break;
                }

                await WaitAsync(rung, progress.Reader, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>What became of a run of this engine says more than that the store, which was disconnected after it, cannot be asked.</summary>
    private async ValueTask<WorkflowHistory?> ReadHistoryAsync(long position, CancellationToken cancellationToken)
    {
        try
        {
            return await _services.State.GetWorkflowHistoryAsync(RunId, position, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (StateException exception) when (exception.ErrorCode == ErrorCodes.StateNotConnected && _runner is { Completion: { IsFaulted: true } completion })
        {
            await completion.ConfigureAwait(false);
            throw;
        }
    }

    private ValueTask<NoticeSubscription> SubscribeAsync(ChannelWriter<WorkflowEvent> progress, Pulse doorbell, CancellationToken cancellationToken) =>
        NoticeSubscription.OpenAsync(
            _services,
            RunId,
            message =>
            {
                if (message.Payload is StatusUpdate update)
                {
                    progress.TryWrite(ToEvent(message, update));
                }

                doorbell.Beat();
            },
            cancellationToken);

    private WorkflowEvent ToEvent(AgentMessage message, StatusUpdate update) => new()
    {
        WorkflowId = RunId,
        Kind = WorkflowEventKind.Progress,
        Timestamp = message.Timestamp,
        Phase = update.Phase,
        Round = update.Round,
        TaskId = update.TaskId,
        AgentId = update.AgentId,
        Percent = update.Progress,
        Message = update.Text,
    };

    private WorkflowEvent SnapshotOf(WorkflowState state, long position) => new()
    {
        Position = position,
        WorkflowId = RunId,
        Kind = WorkflowEventKind.Snapshot,
        Timestamp = _services.Time.GetUtcNow(),
        Phase = state.CurrentPhase,
        Round = state.Round,
        WorkflowStatus = state.Status,
        Error = state.Error,
        Message = $"{state.TaskResults.Count} of {state.TaskCount} task(s) finished; events up to {position} are no longer kept.",
    };

    private async ValueTask WaitAsync(Task rung, ChannelReader<WorkflowEvent> progress, CancellationToken cancellationToken)
    {
        if (progress.TryPeek(out _))
        {
            return;
        }

        try
        {
            await rung.WaitAsync(_services.Options.PollInterval, _services.Time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Nothing rang: look all the same.
        }
    }
}
