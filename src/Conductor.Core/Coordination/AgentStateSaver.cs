using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// Saves changed agent states in the background, at an interval; the newest wins. A store that hangs is waited for as long as whoever waits has
/// patience, and for the grace period after it; what was asked of it is then left to itself. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // StopAsync disposes what holds something: the saver ends once, with its coordinator.
internal sealed class AgentStateSaver(StateManager state, TimeProvider time, TimeSpan interval, TimeSpan gracePeriod, ILogger logger)
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
    public async ValueTask DeleteAsync(AgentSlot slot, CancellationToken patience)
    {
        var deletion = DeleteAsync(slot.Id);
        if (!await IsOverInTimeAsync(deletion, patience).ConfigureAwait(false))
        {
            Log.AgentStateLeft(logger, slot.Id);
            _ = HearAsync(deletion, slot.Id);
            return;
        }

        await deletion.ConfigureAwait(false);
    }

    /// <summary>Saves the last snapshot of an agent that stops, over whatever is being saved of it. Never throws.</summary>
    public async ValueTask SaveLastAsync(AgentSlot slot, CancellationToken patience)
    {
        slot.Status = AgentStatus.Stopped;
        if (!await IsOverInTimeAsync(HearAsync(SaveLastAsync(slot), slot.Id), patience).ConfigureAwait(false))
        {
            Log.AgentStateLeft(logger, slot.Id);
        }
    }

    /// <summary>Stops the loop and saves what is left. A store that hangs was told of with the agent whose last snapshot it did not save.</summary>
    public async ValueTask StopAsync(CancellationToken patience)
    {
        var stop = StopAsync();
        if (await IsOverInTimeAsync(stop, patience).ConfigureAwait(false))
        {
            await stop.ConfigureAwait(false);
        }
    }

    private async Task DeleteAsync(string agentId)
    {
        await WhenSavedAsync().ConfigureAwait(false);
        await state.DeleteAgentStateAsync(agentId, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task SaveLastAsync(AgentSlot slot)
    {
        await WhenSavedAsync().ConfigureAwait(false);
        await state.SaveAgentStateAsync(slot.ToState(), cancellationToken: CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Logs what keeps the store from what was asked of it. Never throws.</summary>
    private async Task HearAsync(Task operation, string agentId)
    {
        try
        {
            await operation.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // What a store says of one agent must not keep the others from being stopped.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.AgentStateNotSaved(logger, exception, agentId);
        }
    }

    /// <summary>Waits until something is over, however it ended.</summary>
    /// <returns>False when the patience and the grace period after it are over first.</returns>
    private async ValueTask<bool> IsOverInTimeAsync(Task operation, CancellationToken patience)
    {
        // (Nobody registers anything on its token.)
        var limit = new GraceLimit(gracePeriod, time, static _ => { }, patience);
        await using var watched = limit.ConfigureAwait(false);
        return await limit.IsOverInTimeAsync(operation).ConfigureAwait(false);
    }

    private async Task StopAsync()
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
