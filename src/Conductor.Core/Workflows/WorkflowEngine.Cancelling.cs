using Conductor.State;

namespace Conductor.Workflows;

/// <content>Cancelling a run for whoever waited for its end.</content>
public sealed partial class WorkflowEngine
{
    /// <summary>
    /// Cancels a run whose caller will not ask again. A store that cannot take the wish now is asked for a while; what runs in this engine is stopped
    /// meanwhile, and where the wish cannot be stored at all, its end can, as far as anything can.
    /// </summary>
    /// <returns>False when the run has ended before.</returns>
    private async ValueTask<bool> CancelForGoodAsync(WorkflowRun run)
    {
        using var stopped = new CancellationTokenSource();
        try
        {
            return await StoreRepetition.AskAsync(
                _services.Time,
                _services.Logger,
                run,
                static run => run.CancelAsync(CancellationToken.None),
                static run => $"run '{run.RunId}' was to be cancelled; it may go on.",
                (run, exception, delay) =>
                {
                    Log.CancelledLater(_services.Logger, exception, run.RunId, delay);
                    if (_services.FindRunner(run.RunId) is { } runner)
                    {
                        // Its end says more than the wish, and is stored as patiently.
                        runner.Stop(StopCause.Cancelled);
                        stopped.Cancel();
                    }
                },
                stopped.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever a store throws.
        catch (Exception exception) when (stopped.IsCancellationRequested || _services.FindRunner(run.RunId) is not null)
#pragma warning restore CA1031
        {
            Log.CancelledHereAlone(_services.Logger, exception, run.RunId);
            _services.FindRunner(run.RunId)?.Stop(StopCause.Cancelled);
            return true;
        }
    }
}
