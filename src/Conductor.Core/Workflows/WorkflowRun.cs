using Conductor.Messaging;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// A handle on a run, whichever process runs it: wait for it, watch it, cancel it. Disposing the handle does nothing to the run.
/// Thread-safe.
/// </summary>
public sealed partial class WorkflowRun : IAsyncDisposable
{
    private readonly WorkflowServices _services;
    private readonly WorkflowRunner? _runner;
    private readonly Lock _gate = new();

    /// <summary>Ends the following when the handle is disposed; made with it.</summary>
    private CancellationTokenSource? _disposing;
    private Task<WorkflowState>? _following;
    private bool _isDisposed;

    internal WorkflowRun(WorkflowServices services, string runId, WorkflowRunner? runner)
    {
        _services = services;
        _runner = runner;
        RunId = runId;
    }

    /// <summary>The run's id.</summary>
    public string RunId { get; }

    /// <summary>
    /// Completes with the final state when the run has ended, whatever its end. Fails when this process could not go on with it, with what kept it
    /// from that: LEASE_LOST where it was handed over, another process has it or it was deleted, otherwise what the store said (STATE_UNAVAILABLE).
    /// Get the run by its id to follow its new owner. A run that is migrated in this engine ends with what goes on with it. Where another engine
    /// runs it, this handle follows it, until it is disposed: then it is cancelled.
    /// </summary>
    /// <remarks>
    /// Whoever awaits it may go on on the thread on which the run ended, as after any async method. Several who do by <c>WaitAsync</c> with a token
    /// may go on one after the other: do not block there.
    /// </remarks>
    public Task<WorkflowState> Completion
    {
        get
        {
            if (_runner is not null)
            {
                return _runner.Completion;
            }

            lock (_gate)
            {
                // One that failed is begun anew for whoever asks again.
                _following = _following is { IsFaulted: true } ? null : _following;
                return _following ??= _isDisposed
                    ? Task.FromCanceled<WorkflowState>(new CancellationToken(canceled: true))
                    : Follow((_disposing ??= new CancellationTokenSource()).Token);
            }
        }
    }

    /// <summary>The state as it was committed last.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StateException">The run is no longer kept.</exception>
    public async ValueTask<WorkflowState> GetStateAsync(CancellationToken cancellationToken = default) =>
        await _services.State.GetWorkflowStateAsync(RunId, cancellationToken).ConfigureAwait(false) ?? throw Gone();

    /// <summary>
    /// Cancels the run. The wish is stored, and whoever owns the run carries it out: at once in this engine; elsewhere at the next look for runs to take
    /// over (<see cref="WorkflowOptions.RecoveryInterval"/>), and within a third of <see cref="WorkflowOptions.LeaseDuration"/> where the engine
    /// does not look (<see cref="WorkflowEngine.StartAsync"/>), or rests because looking takes long, or the store does not say it there
    /// (<see cref="State.UnfinishedWorkflow.IsCancellationRequested"/>).
    /// </summary>
    /// <param name="cancellationToken">Gives up asking.</param>
    /// <returns>
    /// True when the wish is stored: a run that was just about to end by itself keeps its end, see <see cref="Completion"/>. False when it has ended before,
    /// or is no longer kept.
    /// </returns>
    public async ValueTask<bool> CancelAsync(CancellationToken cancellationToken = default)
    {
        var asked = await _services.State.RequestCancellationAsync(RunId, cancellationToken).ConfigureAwait(false);
        if (asked && _services.FindRunner(RunId) is { } runner)
        {
            runner.Stop(StopCause.Cancelled);
        }
        else if (asked && _services.Bus.IsConnected)
        {
            await AskOwnerAsync(cancellationToken).ConfigureAwait(false);
        }

        return asked;
    }

    /// <summary>The run as a Mermaid flowchart, coloured by status.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StateException">The run is no longer kept.</exception>
    /// <exception cref="InvalidOperationException">
    /// Its state was saved without a definition (<see cref="State.StateManager.SaveWorkflowStateAsync"/>).
    /// </exception>
    public async ValueTask<string> ToMermaidAsync(CancellationToken cancellationToken = default)
    {
        if (await _services.State.GetWorkflowDefinitionAsync(RunId, cancellationToken).ConfigureAwait(false) is not { } definition)
        {
            await GetStateAsync(cancellationToken).ConfigureAwait(false);
            throw new InvalidOperationException(
                $"The store has run '{RunId}' without its definition: an engine did not start it, its state was saved by SaveWorkflowStateAsync. " +
                    "Draw it with a definition: definition.ToMermaid(state).");
        }

        return await RunSnapshot.ReadAsync(_services.Reader, RunId, cancellationToken).ConfigureAwait(false) is { } inProgress
            ? WorkflowMermaid.Draw(definition, inProgress.State, inProgress.InProgress)
            : definition.ToMermaid(await GetStateAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// Lets go of the run; it goes on. The <see cref="Completion"/> of a handle that follows a run of another engine is cancelled; that of a run of
    /// this engine is not.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        CancellationTokenSource? disposing;
        lock (_gate)
        {
            (disposing, _disposing, _isDisposed) = (_disposing, null, true);
        }

        if (disposing is not null)
        {
            await disposing.CancelAsync().ConfigureAwait(false);
            disposing.Dispose();
        }
    }

    private StateException Gone() => new(
        ErrorCodes.StateConflict, $"Run '{RunId}' is not in the store: it was never started, deleted, or its retention is over (RetentionOptions).");

    /// <summary>So that its owner need not wait for its next look. Best effort: the wish is stored.</summary>
    private async ValueTask AskOwnerAsync(CancellationToken cancellationToken)
    {
        var wish = new AgentMessage
        {
            Type = MessageType.Control,
            Sender = _services.Coordinator.Id,
            Payload = new ControlPayload { Command = ControlPayload.CancelWorkflow },
        };
        try
        {
            await _services.Bus.PublishAsync(Channels.Workflow(RunId), wish, cancellationToken).WaitHeardAsync(
                LateFailure.NoticePatience, _services.Time, exception => Log.NoticeFailed(_services.Logger, exception, RunId), cancellationToken)
                .ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a provider throws.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.NoticeFailed(_services.Logger, exception, RunId);
        }
    }

    /// <summary>Nobody has to wait for a run: a failure to follow it is logged, and no unobserved one.</summary>
    private Task<WorkflowState> Follow(CancellationToken disposed)
    {
        var end = FollowToEndAsync(disposed);
        end.HearFailure(exception => Log.FollowedNoLonger(_services.Logger, exception, RunId));
        return end;
    }

    private async Task<WorkflowState> FollowToEndAsync(CancellationToken disposed)
    {
        var position = 0L;
        while (true)
        {
            try
            {
                await foreach (var happening in WatchAsync(position, disposed).ConfigureAwait(false))
                {
                    position = Math.Max(position, happening.Position);
                }

                if (await GetStateAsync(CancellationToken.None).ConfigureAwait(false) is { IsComplete: true } end)
                {
                    return end;
                }

                // It is over, was deleted, and its id is another's by now: that one is what has the id.
                position = 0;
            }
            catch (StateException exception) when (exception.IsTransient == true)
            {
                Log.FollowingFailed(_services.Logger, exception, RunId);
            }

            await Task.Delay(_services.Options.PollInterval, _services.Time, disposed).ConfigureAwait(false);
        }
    }
}
