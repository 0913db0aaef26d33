using System.Collections.Concurrent;
using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <content>Agents that leave.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>Agents that somebody is unregistering.</summary>
    private readonly ConcurrentDictionary<AgentSlot, Departure> _unregistering = new();

    /// <summary>Unregisters an agent, or waits, where somebody else does, until it is known no more.</summary>
    /// <returns>False when it is stopped, or replaced.</returns>
    private async ValueTask<bool> TryLeaveAsync(AgentSlot slot, CancellationToken cancellationToken)
    {
        var own = new Departure(exception => Log.CallbackFailed(_logger, exception));
        var departure = _unregistering.GetOrAdd(slot, own);
        var registration = departure.HurryWhen(cancellationToken);
        await using var disposal = registration.ConfigureAwait(false);
        if (departure != own)
        {
            // Not until its stop hook has run: that may be who asks.
            return await departure.Gone.ConfigureAwait(false);
        }

        try
        {
            // Once it is known that somebody does: a stop that finds it gone waits for that.
            if (!slot.TryLeave())
            {
                return false;
            }

            slot.Pool.Remove(slot);
            var lost = new TaskError
            {
                Code = ErrorCodes.NoAvailableAgent,
                Message = $"Agent '{slot.Id}' was unregistered while it ran the task, and not given the time to finish it.",
                IsTransient = true,
            };
            await slot.WhenFreeAsync(_time, _options.CancellationGracePeriod, lost, departure.Hurry).ConfigureAwait(false);

            // The id is taken until nothing of the agent is kept under it: another of the same id has a breaker and a state of its own.
            _slots[slot.Id] = null;
            _errors.RemoveAgent(slot.Id);
            var retirement = RetireAsync(slot, departure.Hurry);
            try
            {
                await _saver.DeleteAsync(slot, departure.Hurry).ConfigureAwait(false);
            }
            finally
            {
                _slots.TryRemove(slot.Id, out _);
                departure.NoteGone(left: true);
                await retirement.ConfigureAwait(false);
                Log.Unregistered(_logger, slot.Id);
            }

            return true;
        }
        finally
        {
            _unregistering.TryRemove(slot, out _);
            departure.NoteOver();
        }
    }

    /// <summary>Closes an agent's mailbox; runs its stop hook and disposes it, once its code no longer runs. Never throws.</summary>
    /// <param name="slot">The agent.</param>
    /// <param name="patience">When it ends, the stop hook has the grace period left, and so has the disposal.</param>
    private async Task RetireAsync(AgentSlot slot, CancellationToken patience)
    {
        MarkRemoved(slot);

        // At once: what comes from now on is not for it, however long its code runs, and however long the bus takes to hear of it.
        var closing = CloseAsync(slot, patience);
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!slot.TryRetire(over.Task))
        {
            // Somebody else does, or its code still runs.
            await slot.Retirement.ConfigureAwait(false);
            await closing.ConfigureAwait(false);
            return;
        }

        try
        {
            await WhenQuietAsync(slot).ConfigureAwait(false);
            await _ending.EndAsync(slot.Id, slot.Agent, isStarted: true, isOurs: slot.Factory is not null, patience).ConfigureAwait(false);
            await slot.DisposeAsync().ConfigureAwait(false);
            await closing.ConfigureAwait(false);
        }
        finally
        {
            over.SetResult();
        }
    }

    /// <summary>Waits for the message that the agent handles, if any, for the grace period and no longer: nobody can tell how long a handler runs.</summary>
    private async ValueTask WhenQuietAsync(AgentSlot slot)
    {
        var quiet = slot.WhenQuiet();
        if (!quiet.IsCompleted)
        {
            await quiet.WaitAsync(_options.CancellationGracePeriod, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!quiet.IsCompleted)
            {
                Log.MessageHandlerLeft(_logger, slot.Id);
            }
        }
    }

    /// <summary>
    /// Waits, as a coordinator stops, for agents that somebody is unregistering: for the grace period and no longer, as one of their hooks may be who
    /// asked for the stop.
    /// </summary>
    private async Task WhenUnregisteredAsync()
    {
        var over = Task.WhenAll(_unregistering.Values.Select(static departure => departure.Over));
        await over.WaitAsync(_options.CancellationGracePeriod, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!over.IsCompleted)
        {
            foreach (var slot in _unregistering.Keys)
            {
                Log.UnregisteringLeft(_logger, slot.Id, Id);
            }
        }
    }

    /// <summary>Closes an agent's mailbox. A bus that does not answer is waited for as long as the stop hook, and no longer.</summary>
    private async Task CloseAsync(AgentSlot slot, CancellationToken patience)
    {
        var closing = CloseQuietlyAsync(slot);
        if (closing.IsCompleted)
        {
            return;
        }

        var limit = NewLimit(patience);
        await using var watched = limit.ConfigureAwait(false);
        if (!await limit.IsOverInTimeAsync(closing).ConfigureAwait(false))
        {
            Log.UnsubscribingLeft(_logger, Id, slot.Id);
        }
    }

    private async Task CloseQuietlyAsync(AgentSlot slot)
    {
        try
        {
            await slot.CloseAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bus that fails to end a subscription must not keep the agent from being stopped.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.StopHookFailed(_logger, exception, slot.Id);
        }
    }

    /// <summary>Whether its code still runs or not, it is not registered any more.</summary>
    private void MarkRemoved(AgentSlot slot)
    {
        if (slot.MarkRemoved())
        {
            CountAgent(slot.Identity.Type, -1);
        }
    }

    private void CountAgent(AgentType type, int change) =>
        _environment.Instruments.ActiveAgents.Record(change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, type.Name));
}
