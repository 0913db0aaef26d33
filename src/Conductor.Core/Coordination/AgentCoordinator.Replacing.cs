using System.Collections.Concurrent;
using Conductor.Errors;

namespace Conductor.Coordination;

/// <content>Replacing agents of factories that were set aside.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>How long to wait before another start is tried in place of one that failed: 1 second at first, 60 at most.</summary>
    private static readonly RetryPolicy _startAgain = RetryPolicy.Default;

    /// <summary>Agents that others of the same factory are about to replace: over when they have.</summary>
    private readonly ConcurrentDictionary<string, Replacement> _replacing = new(StringComparer.Ordinal);

    private async Task ReplaceAsync(AgentSlot slot)
    {
        var place = new Replacement(slot);
        _replacing[slot.Id] = place;
        if (_stopped)
        {
            // The stop may have looked for replacements before this one was there.
            _ = CancelAsync(place);
        }

        try
        {
            // Not one that is being unregistered or stopped: it would come back.
            if (!slot.TryLeave() || !_slots.TryUpdate(slot.Id, null, slot))
            {
                return;
            }

            slot.Pool.Replace(slot);
            MarkRemoved(slot);
            await CloseAsync(slot, new CancellationToken(canceled: true)).ConfigureAwait(false);

            // It may have returned meanwhile; otherwise this does nothing, and it is stopped when it does.
            _ = RetireAsync(slot, CancellationToken.None);
            Replacement.Current = place;
            if (await OpenSuccessorAsync(place).ConfigureAwait(false) is { } successor)
            {
                await TakeInAsync(successor, slot).ConfigureAwait(false);
                return;
            }

            slot.Pool.Remove(slot);
            _errors.RemoveAgent(slot.Id);
            try
            {
                await ForgetStateAsync(place).ConfigureAwait(false);
            }
            finally
            {
                _slots.TryRemove(slot.Id, out _);
            }
        }
#pragma warning disable CA1031 // In the background: the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReplacementLost(_logger, exception, slot.Id);

            // Nobody takes the place: it must not stay taken, nor anybody wait for it.
            if (_slots.TryRemove(new KeyValuePair<string, AgentSlot?>(slot.Id, null)))
            {
                _errors.RemoveAgent(slot.Id);
            }

            slot.Pool.Remove(slot);
        }
        finally
        {
            _replacing.TryRemove(new KeyValuePair<string, Replacement>(slot.Id, place));
            place.End();
        }
    }

    /// <summary>Nobody takes the place: what is kept of the agent goes with it, or stays as it was last where the coordinator stops.</summary>
    private async ValueTask ForgetStateAsync(Replacement place)
    {
        if (place.IsUnregistered)
        {
            await _saver.DeleteAsync(place.Predecessor, place.Unwanted).ConfigureAwait(false);
            Log.Unregistered(_logger, place.Predecessor.Id);
        }
        else
        {
            await _saver.SaveLastAsync(place.Predecessor, place.Unwanted).ConfigureAwait(false);
        }
    }

    /// <summary>Starts another agent of the factory, again and again: what keeps one from starting (a model server that is down) passes.</summary>
    /// <returns>Null when none is wanted any more.</returns>
    private async ValueTask<AgentSlot?> OpenSuccessorAsync(Replacement place)
    {
        for (var failures = 0; !place.IsUnwanted; failures++)
        {
            try
            {
                return await TryOpenSuccessorAsync(place).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (place.IsUnwanted)
            {
                // It was told to give up.
            }
#pragma warning disable CA1031 // Whatever it said when it was told to give up: no other is tried.
            catch (Exception exception) when (place.IsUnwanted)
#pragma warning restore CA1031
            {
                Log.LateStartFailed(_logger, exception, place.Predecessor.Id);
            }
#pragma warning disable CA1031 // In the background: a factory may throw anything, and the log is the only place to say so.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                var delay = _startAgain.CalculateDelay(failures);
                Log.ReplacementFailed(_logger, exception, place.Predecessor.Id, delay);
                await ((Task)Task.Delay(delay, _time, place.Unwanted)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return null;
    }

    /// <summary>Starts another agent of the factory.</summary>
    private async ValueTask<AgentSlot?> TryOpenSuccessorAsync(Replacement place)
    {
        var slot = place.Predecessor;
        var successor = await OpenWithinGraceAsync(slot.Identity, slot.Factory!(), slot.Factory, slot, place.Unwanted).ConfigureAwait(false);
        if (!place.IsUnwanted)
        {
            return successor;
        }

        await RetireAsync(successor, place.Unwanted).ConfigureAwait(false);
        return null;
    }

    /// <summary>None is to take the place. Never throws.</summary>
    private async Task CancelAsync(Replacement place)
    {
        try
        {
            await place.CancelAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // What a start hook registered on its token may throw anything; whoever stops it goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.StartCallbackFailed(_logger, exception, place.Predecessor.Id);
        }
    }

    /// <summary>A stop begins nothing: none is to take a place any more.</summary>
    private void CancelReplacements()
    {
        foreach (var place in _replacing.Values)
        {
            _ = CancelAsync(place);
        }
    }

    /// <summary>Waits until those that were about to take a place have heard that none is to, for the grace period and no longer.</summary>
    private async Task WhenReplacementsOverAsync()
    {
        var over = Task.WhenAll(_replacing.Values.Select(static place => place.Over));
        await over.WaitAsync(_options.CancellationGracePeriod, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
