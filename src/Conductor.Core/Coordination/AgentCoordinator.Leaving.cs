using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <content>Agents that leave.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>Closes an agent's mailbox; runs its stop hook and disposes it, once its code no longer runs. Never throws.</summary>
    /// <param name="slot">The agent.</param>
    /// <param name="patience">When it ends, the stop hook has the grace period left, and so has the disposal.</param>
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
            await WhenQuietAsync(slot).ConfigureAwait(false);
            await _ending.EndAsync(slot.Id, slot.Agent, isStarted: true, isOurs: slot.Factory is not null, patience).ConfigureAwait(false);
            CountAgent(slot.Identity.Type, -1);
            await slot.DisposeAsync().ConfigureAwait(false);
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

    private void CountAgent(AgentType type, int change) =>
        _environment.Instruments.ActiveAgents.Record(change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, type.Name));
}
