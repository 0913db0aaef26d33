using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// Renews the leases of an engine's runs, three times in each lease's term, and looks whether somebody asked for one of them to be cancelled.
/// A run whose lease was lost, or could not be renewed for two thirds of its term, stops. Thread-safe.
/// </summary>
internal sealed class LeaseKeeper(WorkflowServices services)
{
    private readonly PeriodicLoop _loop = CreateLoop(services);

    public void EnsureStarted() => _loop.EnsureStarted();

    public ValueTask StopAsync() => _loop.StopAsync();

    /// <summary>Renews the lease of one run.</summary>
    /// <returns>False when another has it.</returns>
    public static async ValueTask<bool> TryRenewAsync(WorkflowServices services, HeldLease lease, CancellationToken cancellationToken)
    {
        var askedAt = services.Time.GetTimestamp();
        var term = services.Options.LeaseDuration;

        var renewed = await InTimeAsync(services.State.Leases.TryRenewAsync(lease.Current, term, cancellationToken), services, cancellationToken).ConfigureAwait(false);
        if (renewed is not null)
        {
            lease.Renew(renewed, askedAt);
        }

        return renewed is not null;
    }

    private static PeriodicLoop CreateLoop(WorkflowServices services) => new(
        services.Options.LeaseDuration / 3,
        services.Time,
        token => new ValueTask(Task.WhenAll(services.Runners.Values.Select(runner => RenewAsync(services, runner, token)))));

    private static async Task RenewAsync(WorkflowServices services, WorkflowRunner runner, CancellationToken cancellationToken)
    {
        try
        {
            if (!await TryRenewAsync(services, runner.Lease, cancellationToken).ConfigureAwait(false))
            {
                StopLost(services, runner);
            }
            else if (await InTimeAsync(services.State.IsCancellationRequestedAsync(runner.RunId, cancellationToken), services, cancellationToken).ConfigureAwait(false))
            {
                runner.Stop(StopCause.Cancelled);
            }
        }
#pragma warning disable CA1031 // In the background: a store that fails now may work at the next turn; the fence keeps what is saved safe.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.RenewalFailed(services.Logger, exception, runner.RunId);
            if (!runner.Lease.IsFresh)
            {
                StopLost(services, runner);
            }
        }
    }

    /// <summary>A store that hangs must not keep a run, nor the others, from noticing that its time is over.</summary>
    private static Task<T> InTimeAsync<T>(ValueTask<T> answer, WorkflowServices services, CancellationToken cancellationToken) =>
        answer.AsTask().WaitAsync(services.Options.LeaseDuration / 3, services.Time, cancellationToken);

    private static void StopLost(WorkflowServices services, WorkflowRunner runner)
    {
        if (!services.Options.IgnoresLeases)
        {
            runner.Stop(StopCause.Lost);
        }
    }
}
