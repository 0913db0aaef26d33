using Conductor.Agents;
using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <content>Agents that leave: stopping and disposing.</content>
public sealed partial class AgentCoordinator
{
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
        var limit = new GraceLimit(_options.CancellationGracePeriod, _time, patience);
        await using var watched = limit.ConfigureAwait(false);
        try
        {
            await agent.StopAsync(limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.Token.IsCancellationRequested)
        {
            Log.StopHookLeft(_logger, agentId);
        }
#pragma warning disable CA1031 // A failing stop hook never blocks removal or the stop of the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.StopHookFailed(_logger, exception, agentId);
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
