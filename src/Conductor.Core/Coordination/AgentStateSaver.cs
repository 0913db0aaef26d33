using System.Collections.Concurrent;
using Conductor.State;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>Saves changed agent states in the background, at an interval; the newest wins. Thread-safe.</summary>
#pragma warning disable CA1001 // StopAsync disposes what holds something: the saver ends once, with its coordinator.
internal sealed class AgentStateSaver(StateManager state, TimeProvider time, TimeSpan interval, ILogger logger)
#pragma warning restore CA1001
{
    private readonly ConcurrentQueue<AgentSlot> _changed = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Held while a state is saved in the background.</summary>
    private readonly SemaphoreSlim _saving = new(1, 1);
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

    /// <summary>Deletes the state of an agent that was removed. What is being saved of it is waited for: it must not come back.</summary>
    public async ValueTask DeleteAsync(AgentSlot slot)
    {
        await WhenSavedAsync().ConfigureAwait(false);
        await state.DeleteAgentStateAsync(slot.Id, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Saves the last snapshot of an agent that stops, over whatever is being saved of it. Never throws.</summary>
    public async ValueTask SaveLastAsync(AgentSlot slot)
    {
        slot.Status = AgentStatus.Stopped;
        await WhenSavedAsync().ConfigureAwait(false);
        try
        {
            await state.SaveAgentStateAsync(slot.ToState(), cancellationToken: CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The last snapshot of one agent must not keep the others from being stopped.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.AgentStateNotSaved(logger, exception, slot.Id);
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
            await _saving.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                // Asked while it is held: whoever removes an agent waits for what is being saved, and nothing more is saved after that.
                if (!slot.IsRemoved)
                {
                    await state.SaveAgentStateAsync(slot.ToState(), cancellationToken: cancellationToken).ConfigureAwait(false);
                }
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
            finally
            {
                _saving.Release();
            }
        }
    }

    /// <summary>Waits for what is being saved at this moment.</summary>
    private async ValueTask WhenSavedAsync()
    {
        await _saving.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _saving.Release();
    }
}
