using Conductor.State;
using Conductor.Threading;

namespace Conductor.Workflows;

/// <content>Cancelling a run for whoever waited for its end.</content>
public sealed partial class WorkflowEngine
{
    /// <summary>
    /// Cancels a run whose caller will not ask again. A store that cannot take the wish now is asked for a while; what runs in this engine is stopped as soon
    /// as that shows, and where the wish cannot be stored at all, its end can, as far as anything can.
    /// </summary>
    /// <returns>False when the run has ended before.</returns>
    private async ValueTask<bool> CancelForGoodAsync(WorkflowRun run)
    {
        using var stopped = new CancellationTokenSource();
        try
        {
            var wish = StoreRepetition.AskAsync(
                _services.Time,
                _services.Logger,
                run,
                static run => run.CancelAsync(CancellationToken.None),
                static run => $"run '{run.RunId}' was to be cancelled; it may go on.",
                (run, exception, delay) =>
                {
                    Log.CancelledLater(_services.Logger, exception, run.RunId, delay);
                    StopHere(run, stopped);
                },
                stopped.Token).AsTask();
            await ((Task)wish).WaitAsync(LateFailure.NoticePatience, _services.Time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!wish.IsCompleted)
            {
                StopHere(run, stopped);
            }

            return await wish.ConfigureAwait(false);
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

    /// <summary>Stops a run that is run here: its end says more than the wish, and is stored as patiently.</summary>
    private void StopHere(WorkflowRun run, CancellationTokenSource stopped)
    {
        if (_services.FindRunner(run.RunId) is { } runner)
        {
            runner.Stop(StopCause.Cancelled);
            stopped.Cancel();
        }
    }
}
