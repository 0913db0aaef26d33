using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.Coordination;

/// <summary>
/// Saves changed agent states in the background, at an interval; the newest wins. What cannot be saved now is saved at a later one, and a save that the store
/// does not answer keeps only its own agent's next ones. A store that hangs is waited for as long as whoever waits has patience, and for the grace period
/// after it; what was asked of it is then left to itself. Thread-safe.
/// </summary>
#pragma warning disable CA1001 // What it holds needs no disposal: nobody asks the semaphore for its handle.
internal sealed class AgentStateSaver(StateManager state, TimeProvider time, TimeSpan interval, TimeSpan gracePeriod, ILogger logger)
#pragma warning restore CA1001
{
    private readonly ConcurrentQueue<AgentSlot> _changed = new();

    /// <summary>Held while a state is saved in the background.</summary>
    private readonly SemaphoreSlim _saving = new(1, 1);

    /// <summary>Saves that the store has left without an answer: nothing else is saved of their agents until it says what became of them.</summary>
    private readonly ConcurrentDictionary<AgentSlot, Task> _unanswered = new();

    private PeriodicLoop? _loop;

    public void Start()
    {
        _loop = new PeriodicLoop(interval, time, SaveChangedAsync);
        _loop.EnsureStarted();
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
        var deletion = DeleteAsync(slot);
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

    private async Task DeleteAsync(AgentSlot slot)
    {
        await WhenSavedAsync(slot).ConfigureAwait(false);
        await state.DeleteAgentStateAsync(slot.Id, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task SaveLastAsync(AgentSlot slot)
    {
        await WhenSavedAsync(slot).ConfigureAwait(false);
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
            Log.LastAgentStateNotSaved(logger, exception, agentId);
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
        if (_loop is { } loop)
        {
            await loop.StopAsync().ConfigureAwait(false);
        }

        await SaveChangedAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Saves what has changed, up to the first that cannot be saved: what a store cannot do for one it can rarely do for the next.</summary>
    private async ValueTask SaveChangedAsync(CancellationToken cancellationToken)
    {
        for (var left = _changed.Count; left > 0 && _changed.TryDequeue(out var slot); left--)
        {
            Volatile.Write(ref slot.Dirty, 0);
            if (!await TrySaveAsync(slot, cancellationToken).ConfigureAwait(false))
            {
                OnChanged(slot);
                cancellationToken.ThrowIfCancellationRequested();
                return;
            }
        }
    }

    private async ValueTask<bool> TrySaveAsync(AgentSlot slot, CancellationToken cancellationToken)
    {
        await _saving.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            // Asked while it is held: whoever removes an agent waits for what is being saved, and nothing more is saved after that.
            if (slot.IsRemoved || _unanswered.ContainsKey(slot))
            {
                return true;
            }

            Task save = state.SaveAgentStateAsync(slot.ToState(), cancellationToken: cancellationToken).AsTask();
            await save.WaitAsync(StoreRepetition.LongestAnswer, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!save.IsCompleted)
            {
                var heard = HearAsync(save, slot.Id);
                _unanswered[slot] = heard;
                _ = SaveAgainAfterAsync(heard, slot);
                Log.AgentStateLeft(logger, slot.Id);
                return true;
            }

            await save.ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
#pragma warning disable CA1031 // A snapshot that could not be saved is saved later; dispatch must not suffer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.AgentStateNotSaved(logger, exception, slot.Id, interval);
            return false;
        }
        finally
        {
            _saving.Release();
        }
    }

    /// <summary>Whatever the store says in the end of a save that was not waited for: the agent may have changed since. Never throws.</summary>
    private async Task SaveAgainAfterAsync(Task answer, AgentSlot slot)
    {
        await answer.ConfigureAwait(false);
        _unanswered.TryRemove(slot, out _);
        OnChanged(slot);
    }

    private async ValueTask WhenSavedAsync(AgentSlot slot)
    {
        await _saving.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        _saving.Release();
        if (_unanswered.TryGetValue(slot, out var answer))
        {
            await answer.ConfigureAwait(false);
        }
    }
}
