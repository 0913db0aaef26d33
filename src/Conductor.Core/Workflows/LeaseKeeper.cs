using Conductor.State;

namespace Conductor.Workflows;

/// <summary>
/// Renews the leases of an engine's runs, three times in each lease's life, and looks whether somebody asked for one of them to be cancelled.
/// A lease that was lost stops its run. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // StopAsync disposes it: the keeper ends once, with its engine.
internal sealed class LeaseKeeper(WorkflowServices services)
#pragma warning restore CA1001
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task? _loop;

    public void EnsureStarted()
    {
        if (Volatile.Read(ref _loop) is not null)
        {
            return;
        }

        lock (_gate)
        {
            if (_loop is null && !_stopping.IsCancellationRequested)
            {
                using (ExecutionContext.SuppressFlow())
                {
                    _loop = RunAsync();
                }
            }
        }
    }

    public async ValueTask StopAsync()
    {
        Task? loop;
        lock (_gate)
        {
            loop = _loop;
        }

        if (!_stopping.IsCancellationRequested)
        {
            await _stopping.CancelAsync().ConfigureAwait(false);
        }

        await (loop ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(services.Options.LeaseDuration / 3, services.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                await RenewAllAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async ValueTask RenewAllAsync()
    {
        foreach (var runner in services.Runners.Values)
        {
            try
            {
                await RenewAsync(runner).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // In the background: a store that fails now may work at the next turn; the fence keeps what is saved safe.
            catch (Exception exception) when (exception is not OperationCanceledException)
#pragma warning restore CA1031
            {
                Log.RenewalFailed(services.Logger, exception);
            }
        }
    }

    private async ValueTask RenewAsync(WorkflowRunner runner)
    {
        var renewed = await services.State.Leases.TryRenewAsync(runner.Lease, services.Options.LeaseDuration, _stopping.Token).ConfigureAwait(false);
        if (renewed is null)
        {
            runner.Stop(StopCause.Lost);
            return;
        }

        runner.Lease = renewed;
        if (await services.State.IsCancellationRequestedAsync(runner.RunId, _stopping.Token).ConfigureAwait(false))
        {
            runner.Stop(StopCause.Cancelled);
        }
    }
}
