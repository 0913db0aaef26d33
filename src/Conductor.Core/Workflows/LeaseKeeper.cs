using Conductor.Threading;

namespace Conductor.Workflows;

/// <summary>
/// Renews the leases of an engine's runs, three times in each lease's term, and looks whether somebody asked for one of them to be cancelled.
/// A run whose lease was lost stops; so does one whose lease could not be renewed until it may be another's soon. Thread-safe.
/// </summary>
internal sealed class LeaseKeeper(WorkflowServices services)
{
    private readonly PeriodicLoop _loop = CreateLoop(services);

    public void EnsureStarted() => _loop.EnsureStarted();

    public ValueTask StopAsync() => _loop.StopAsync();

    private static PeriodicLoop CreateLoop(WorkflowServices services) => new(
        services.Options.LeaseDuration / 3,
        services.Time,
        token => new ValueTask(Task.WhenAll(services.Runners.Values.Select(runner => SeeToAsync(services, runner, token)))));

    private static async Task SeeToAsync(WorkflowServices services, WorkflowRunner runner, CancellationToken cancellationToken)
    {
        try
        {
            if (await RenewAsync(services, runner, cancellationToken).ConfigureAwait(false)
                && await IsCancelledAsync(services, runner, cancellationToken).ConfigureAwait(false))
            {
                runner.Stop(StopCause.Cancelled);
            }
        }
#pragma warning disable CA1031 // In the background: a store that fails now may work at the next turn.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Failed(services, runner, exception);
        }
    }

    /// <summary>
    /// Renews the lease of a run. What fails while the lease is fresh is tried again at the next turn, and after that as long as the lease may be
    /// held: the fence keeps safe what is saved, and to stop the tasks of a program that is alone would be for nothing.
    /// </summary>
    /// <returns>Whether it was renewed.</returns>
    private static async ValueTask<bool> RenewAsync(WorkflowServices services, WorkflowRunner runner, CancellationToken cancellationToken)
    {
        var lease = runner.Lease;
        while (true)
        {
            Exception trouble;
            try
            {
                var isHeld = await lease.TryRenewAsync(
                    services.State.Leases, exception => Failed(services, runner, exception), cancellationToken).ConfigureAwait(false);
                if (!isHeld)
                {
                    StopLost(services, runner, reason: null);
                }

                return isHeld;
            }
#pragma warning disable CA1031 // Whatever a store throws, it may work at the next try.
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Failed(services, runner, exception);
                trouble = exception;
            }

            if (!lease.IsFresh)
            {
                await lease.RestAsync(services.Options.LeaseDuration / 10, cancellationToken).ConfigureAwait(false);
            }

            // An answer may have come late.
            if (lease.IsFresh)
            {
                return false;
            }

            if (lease.TimeLeft <= TimeSpan.Zero)
            {
                StopLost(services, runner, trouble);
                return false;
            }
        }
    }

    /// <summary>A store that hangs must not keep the lease, nor those of other runs, from being renewed.</summary>
    private static Task<bool> IsCancelledAsync(WorkflowServices services, WorkflowRunner runner, CancellationToken cancellationToken) =>
        services.State.IsCancellationRequestedAsync(runner.RunId, cancellationToken).AsTask().WaitHeardAsync(
            services.Options.LeaseDuration / 3, services.Time, exception => Failed(services, runner, exception), cancellationToken);

    private static void StopLost(WorkflowServices services, WorkflowRunner runner, Exception? reason)
    {
        if (!services.Options.IgnoresLeases)
        {
            runner.StopLost(reason);
        }
    }

    private static void Failed(WorkflowServices services, WorkflowRunner runner, Exception exception) =>
        Log.RenewalFailed(services.Logger, exception, runner.RunId);
}
