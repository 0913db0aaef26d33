using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <content>Agents that leave: replacing those that were set aside, stopping and disposing.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>Agents that others of the same factory are about to replace: over when they have.</summary>
    private readonly ConcurrentDictionary<string, Replacement> _replacing = new(StringComparer.Ordinal);

    private async Task ReplaceAsync(AgentSlot slot)
    {
        var place = new Replacement();
        _replacing[slot.Id] = place;
        try
        {
            // Not one that is being unregistered or stopped: it would come back.
            if (!slot.TryLeave() || !_slots.TryUpdate(slot.Id, null, slot))
            {
                return;
            }

            slot.Pool.Remove(slot, keepWaiters: true);
            slot.MarkRemoved();
            await CloseQuietlyAsync(slot).ConfigureAwait(false);

            // It may have returned meanwhile; otherwise this does nothing, and it is stopped when it does.
            _ = RetireAsync(slot, CancellationToken.None);
            Replacement.Current = place;
            var successor = await TryOpenSuccessorAsync(slot, place).ConfigureAwait(false);
            if (successor is not null && !place.IsUnwanted)
            {
                await TakeInAsync(successor).ConfigureAwait(false);
                return;
            }

            await (successor is null ? Task.CompletedTask : RetireAsync(successor, CancellationToken.None)).ConfigureAwait(false);
            slot.Pool.Remove(slot);
            _slots.TryRemove(slot.Id, out _);
            _errors.RemoveAgent(slot.Id);
            await _state.DeleteAgentStateAsync(slot.Id, CancellationToken.None).ConfigureAwait(false);
            Log.Unregistered(_logger, slot.Id);
        }
#pragma warning disable CA1031 // In the background: the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReplacementFailed(_logger, exception, slot.Id);

            // Nobody takes the place: it must not stay taken, nor anybody wait for it.
            _slots.TryRemove(new KeyValuePair<string, AgentSlot?>(slot.Id, null));
            slot.Pool.Remove(slot);
        }
        finally
        {
            _replacing.TryRemove(new KeyValuePair<string, Replacement>(slot.Id, place));
            place.End();
        }
    }

    /// <returns>Null when it is not wanted, or cannot be had.</returns>
    private async ValueTask<AgentSlot?> TryOpenSuccessorAsync(AgentSlot slot, Replacement place)
    {
        try
        {
            return place.IsUnwanted ? null : await OpenAsync(slot.Identity, slot.Factory!(), slot.Factory, slot, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // In the background: a factory may throw anything, and the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ReplacementFailed(_logger, exception, slot.Id);
            return null;
        }
    }

    /// <summary>Closes an agent's mailbox; runs its stop hook and disposes it, once its code no longer runs. Never throws.</summary>
    /// <param name="slot">The agent.</param>
    /// <param name="patience">When it ends, the stop hook has the grace period left.</param>
    private async Task RetireAsync(AgentSlot slot, CancellationToken patience)
    {
        slot.MarkRemoved();

        // At once: what comes from now on is not for it, however long its code runs.
        await CloseQuietlyAsync(slot).ConfigureAwait(false);
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!slot.TryRetire(over.Task))
        {
            // Somebody else does, or its code still runs.
            await slot.Retirement.ConfigureAwait(false);
            return;
        }

        try
        {
            await StopQuietlyAsync(slot.Id, slot.Agent, patience).ConfigureAwait(false);
            CountAgent(slot.Identity.Type, -1);
            await slot.DisposeAsync().ConfigureAwait(false);
            if (slot.Factory is not null)
            {
                await DisposeAgentAsync(slot.Id, slot.Agent).ConfigureAwait(false);
            }
        }
        finally
        {
            over.SetResult();
        }
    }

    private async ValueTask CloseQuietlyAsync(AgentSlot slot)
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

    private async ValueTask StopQuietlyAsync(string agentId, BaseAgent agent, CancellationToken patience)
    {
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        var watch = patience.UnsafeRegister(state => ((CancellationTokenSource)state!).CancelAfter(_options.CancellationGracePeriod), limit);
        try
        {
            await agent.StopAsync(limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Log.StopHookLeft(_logger, agentId);
        }
#pragma warning disable CA1031 // A failing stop hook never blocks removal or the stop of the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.StopHookFailed(_logger, exception, agentId);
        }
        finally
        {
            await watch.DisposeAsync().ConfigureAwait(false);
        }

        agent.Detach();
    }

    private void CountAgent(AgentType type, int change) =>
        _environment.Instruments.ActiveAgents.Record(change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, type.Name));

    private async ValueTask DisposeAgentAsync(string agentId, BaseAgent agent)
    {
        try
        {
            await AgentDisposal.DisposeAsync(agent).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A user's Dispose may throw anything; the agent is gone all the same.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.DisposalFailed(_logger, exception, agentId);
        }
    }
}
