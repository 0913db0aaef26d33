using System.Collections.Concurrent;
using Conductor.State;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>Saves changed agent states in the background, at an interval; the newest wins. Thread-safe.</summary>
#pragma warning disable CA1001 // StopAsync disposes it: the saver ends once, with its coordinator.
internal sealed class AgentStateSaver(StateManager state, TimeProvider time, TimeSpan interval, ILogger logger)
#pragma warning restore CA1001
{
    private readonly ConcurrentQueue<AgentSlot> _changed = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;

    public void Start()
    {
        using (ExecutionContext.SuppressFlow())
        {
            _loop = RunAsync();
        }
    }

    public void OnChanged(AgentSlot slot)
    {
        if (Volatile.Read(ref slot.Dirty) == 0 && Interlocked.Exchange(ref slot.Dirty, 1) == 0)
        {
            _changed.Enqueue(slot);
        }
    }

    /// <summary>Stops the loop and saves what is left.</summary>
    public async ValueTask StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await SaveChangedAsync(CancellationToken.None).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                await SaveChangedAsync(_stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what is left is saved by StopAsync.
        }
    }

    private async ValueTask SaveChangedAsync(CancellationToken cancellationToken)
    {
        for (var left = _changed.Count; left > 0 && _changed.TryDequeue(out var slot); left--)
        {
            Volatile.Write(ref slot.Dirty, 0);
            if (slot.IsRemoved)
            {
                continue;
            }

            try
            {
                await state.SaveAgentStateAsync(slot.ToState(), cancellationToken: cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                OnChanged(slot);
                throw;
            }
#pragma warning disable CA1031 // A snapshot that could not be saved is saved with the next change; dispatch must not suffer.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.AgentStateNotSaved(logger, exception, slot.Id);
            }
        }
    }
}
