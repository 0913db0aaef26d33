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
internal sealed class AgentStateSaver(StateManager state, TimeProvider time, TimeSpan interval, TimeSpan gracePeriod, ILogger logger)
{
    private readonly ConcurrentQueue<AgentSlot> _changed = new();

    /// <summary>Saves under way, and those that the store has left without an answer: nothing else is saved of their agents until they are over.</summary>
    private readonly ConcurrentDictionary<AgentSlot, Task> _underWay = new();
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

    /// <returns>False when it could not be saved.</returns>
    private async ValueTask<bool> TrySaveAsync(AgentSlot slot, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_underWay.TryAdd(slot, over.Task))
        {
            // It is saved again when that one is over.
            return true;
        }

        // Whoever removes an agent marks it before looking for what is under way: one of the two is seen.
        Interlocked.MemoryBarrier();
        if (slot.IsRemoved)
        {
            _underWay.TryRemove(slot, out _);
            over.SetResult();
            return true;
        }

        var save = SaveAsync(slot, over, cancellationToken);
        await ((Task)save).WaitAsync(LateFailure.NoticePatience, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (save.IsCompleted)
        {
            return await save.ConfigureAwait(false);
        }

        Log.AgentStateUnanswered(logger, slot.Id);
        _ = SaveAgainAfterAsync(save, slot);
        return true;
    }

    /// <summary>Never throws.</summary>
    private async Task<bool> SaveAsync(AgentSlot slot, TaskCompletionSource over, CancellationToken cancellationToken)
    {
        var isSaved = false;
        try
        {
            await state.SaveAgentStateAsync(slot.ToState(), cancellationToken: cancellationToken).ConfigureAwait(false);
            isSaved = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The coordinator stops: what is left is saved after that.
        }
#pragma warning disable CA1031 // A snapshot that could not be saved is saved later; dispatch must not suffer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.AgentStateNotSaved(logger, exception, slot.Id, interval);
        }

        _underWay.TryRemove(slot, out _);
        over.SetResult();
        return isSaved;
    }

    /// <summary>Whatever becomes of a save that was not waited for: the agent may have changed since. Never throws.</summary>
    private async Task SaveAgainAfterAsync(Task save, AgentSlot slot)
    {
        await save.ConfigureAwait(false);
        OnChanged(slot);
    }

    private async ValueTask WhenSavedAsync(AgentSlot slot)
    {
        Interlocked.MemoryBarrier();
        if (_underWay.TryGetValue(slot, out var save))
        {
            await save.ConfigureAwait(false);
        }
    }
}
