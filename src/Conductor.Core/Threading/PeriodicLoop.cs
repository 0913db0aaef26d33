namespace Conductor.Threading;

/// <summary>
/// Does something regularly in the background, once started, until it is stopped. The work sees to its own failures. It is started at most
/// once; its turns never overlap. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // StopAsync disposes it: the loop ends once, with its engine.
internal sealed class PeriodicLoop(TimeSpan interval, TimeProvider time, Func<CancellationToken, ValueTask> work)
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
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                await work(_stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopping.
        }
    }
}
