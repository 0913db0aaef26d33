using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <content>The agents: registering, unregistering, setting aside and replacing.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>The agents by id; null while one is being registered.</summary>
    private readonly ConcurrentDictionary<string, AgentSlot?> _slots = new(StringComparer.Ordinal);

    /// <summary>Agents that others of the same factory are about to replace: over when they have.</summary>
    private readonly ConcurrentDictionary<string, Task> _replacing = new(StringComparer.Ordinal);

    /// <summary>Ids of the agents registered here.</summary>
    public IReadOnlyCollection<string> AgentIds => [.. _slots.Where(static entry => entry.Value is not null).Select(static entry => entry.Key)];

    /// <summary>Registers an agent that knows its identity. It takes tasks when this returns.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="InvalidOperationException">It has no identity, is registered already, or the coordinator is not started.</exception>
    public ValueTask RegisterAgentAsync(BaseAgent agent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return RegisterAsync(agent.Identity, agent, factory: null, cancellationToken);
    }

    /// <summary>Registers an agent under a type, and an id if one is given.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="type">Its type.</param>
    /// <param name="agentId">Its id. Default: a new one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="InvalidOperationException">It is registered already, or the coordinator is not started.</exception>
    public ValueTask RegisterAgentAsync(BaseAgent agent, AgentType type, string? agentId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return RegisterAsync(new AgentIdentity { Id = agentId ?? EntityId.New(), Type = type }, agent, factory: null, cancellationToken);
    }

    /// <summary>Registers an agent from a factory: one that has to be set aside is replaced by another from the same factory.</summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="factory">Makes it, and its replacements. What it makes is disposed here.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="InvalidOperationException">The coordinator is not started.</exception>
    public ValueTask RegisterAgentAsync(AgentIdentity identity, Func<BaseAgent> factory, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(factory);
        return RegisterAsync(identity, agent: null, factory, cancellationToken);
    }

    /// <summary>
    /// Unregisters an agent: it gets no further task, its running one is waited for up to the token, its stop hook runs. A failing hook stops
    /// nothing.
    /// </summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Waits no longer for a running task: it is cancelled.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled while another agent of the same factory was starting in its place. Nothing was unregistered.</exception>
    public async ValueTask<bool> UnregisterAgentAsync(string agentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        if (FindSlot(agentId) is null && _replacing.TryGetValue(agentId, out var replacement))
        {
            // Another is about to take its place, and goes, too.
            await replacement.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        if (FindSlot(agentId) is not { } slot || !slot.TryLeave())
        {
            return false;
        }

        slot.Pool.Remove(slot);
        await slot.WhenFreeAsync(_time, _options.CancellationGracePeriod, cancellationToken).ConfigureAwait(false);
        _slots.TryRemove(agentId, out _);
        await RetireAsync(slot).ConfigureAwait(false);
        _errors.RemoveAgent(agentId);
        await _state.DeleteAgentStateAsync(agentId, CancellationToken.None).ConfigureAwait(false);
        Log.Unregistered(_logger, agentId);
        return true;
    }

    /// <summary>Whether an agent of a type is registered here.</summary>
    internal bool HasAgents(AgentType type) => _pools.TryGet(type, out var pool) && !pool.IsEmpty;

    internal void OnSlotChanged(AgentSlot slot) => _saver.OnChanged(slot);

    /// <summary>An agent ignores its cancelled token: one from a factory is replaced, others come back when their code returns.</summary>
    internal void OnAgentSetAside(AgentSlot slot)
    {
        Log.SetAside(_logger, slot.Id, slot.Factory is null ? "; it comes back when its code returns" : "; another takes its place");
        if (slot.Factory is not null)
        {
            _ = ReplaceAsync(slot);
        }
    }

    /// <summary>An agent that was removed while it ran has returned: now it can be stopped.</summary>
    internal void OnRemovedAgentReturned(AgentSlot slot)
    {
        Log.RemovedAgentReturned(_logger, slot.Id);
        _ = RetireAsync(slot);
    }

    private AgentType TypeOf(string agentId) => FindSlot(agentId)?.Identity.Type ?? default;

    private AgentSlot? FindSlot(string agentId) => _slots.GetValueOrDefault(agentId);

    private async ValueTask RegisterAsync(AgentIdentity identity, BaseAgent? agent, Func<BaseAgent>? factory, CancellationToken cancellationToken)
    {
        if (identity.Type.IsEmpty)
        {
            throw new NoAgentTypeException($"Agent '{identity.Id}' names no type. Register it with one: RegisterAgentAsync(agent, new AgentType(\"…\")).");
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(identity.Id, nameof(identity));
        ThrowIfNotStarted();
        if (!_slots.TryAdd(identity.Id, null))
        {
            throw new AgentAlreadyRegisteredException(identity.Id);
        }

        AgentSlot? slot = null;
        try
        {
            slot = await OpenAsync(identity, agent ?? factory!(), factory, predecessor: null, cancellationToken).ConfigureAwait(false);
            await _state.SaveAgentStateAsync(slot.ToState(), cancellationToken: cancellationToken).ConfigureAwait(false);
            _errors.AddAgent(identity.Id);
        }
        catch
        {
            if (slot is not null)
            {
                // It listens by now, and would take what is meant for the next one of its id.
                await RetireAsync(slot).ConfigureAwait(false);
            }

            _slots.TryRemove(identity.Id, out _);
            throw;
        }

        await TakeInAsync(slot).ConfigureAwait(false);
        ThrowIfStopped();
        Log.Registered(_logger, identity.Id, identity.Type.Name);
    }

    /// <summary>Starts an agent and opens its mailbox. When anything fails, nothing is left behind.</summary>
    private async ValueTask<AgentSlot> OpenAsync(
        AgentIdentity identity, BaseAgent agent, Func<BaseAgent>? factory, AgentSlot? predecessor, CancellationToken cancellationToken)
    {
        agent.Attach(identity);
        var isStarted = false;
        try
        {
            await agent.StartAsync(cancellationToken).ConfigureAwait(false);
            isStarted = true;
            var slot = new AgentSlot(this, _pools.GetOrAdd(identity.Type), agent, factory);
            if (predecessor is not null)
            {
                slot.Inherit(predecessor);
            }

            await slot.OpenAsync(cancellationToken).ConfigureAwait(false);
            CountAgent(identity.Type, 1);
            return slot;
        }
        catch
        {
            if (isStarted)
            {
                await StopQuietlyAsync(identity.Id, agent).ConfigureAwait(false);
            }
            else
            {
                agent.Detach();
            }

            if (factory is not null)
            {
                await DisposeAgentAsync(identity.Id, agent).ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>Makes a slot known, with the breaker its agent has by now, if any, and gives it to its pool. A coordinator that was stopped meanwhile stops it, too.</summary>
    private async ValueTask TakeInAsync(AgentSlot slot)
    {
        _slots[slot.Id] = slot;

        // After it is known: a breaker that is made from here on is told to it.
        slot.Breaker = _errors.FindCircuitBreaker(slot.Id);
        slot.Pool.Add(slot);
        if (slot.HasLeft)
        {
            // Unregistered since it is known: either there, or here, it leaves its pool.
            slot.Pool.Remove(slot);
        }

        if (_stopped)
        {
            await StopAgentAsync(slot.Id).ConfigureAwait(false);
        }
    }

    private async Task ReplaceAsync(AgentSlot slot)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _replacing[slot.Id] = over.Task;
        try
        {
            // Not one that is being unregistered or stopped: it would come back.
            if (!slot.TryLeave() || !_slots.TryUpdate(slot.Id, null, slot))
            {
                return;
            }

            slot.Pool.Remove(slot, keepWaiters: true);
            slot.MarkRemoved();
            await slot.CloseAsync().ConfigureAwait(false);

            // It may have returned meanwhile; otherwise this does nothing, and it is stopped when it does.
            _ = RetireAsync(slot);
            var replacement = await OpenAsync(slot.Identity, slot.Factory!(), slot.Factory, slot, CancellationToken.None).ConfigureAwait(false);
            await TakeInAsync(replacement).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // In the background: a factory may throw anything, and the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _slots.TryRemove(slot.Id, out _);
            slot.Pool.Remove(slot);
            Log.ReplacementFailed(_logger, exception, slot.Id);
        }
        finally
        {
            _replacing.TryRemove(new KeyValuePair<string, Task>(slot.Id, over.Task));
            over.SetResult();
        }
    }

    /// <summary>Closes an agent's mailbox, runs its stop hook and disposes it, once its code no longer runs. Never throws.</summary>
    private async Task RetireAsync(AgentSlot slot)
    {
        slot.MarkRemoved();
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!slot.TryRetire(over.Task))
        {
            // Somebody else does, or its code still runs.
            await slot.Retirement.ConfigureAwait(false);
            return;
        }

        await CloseQuietlyAsync(slot).ConfigureAwait(false);
        await StopQuietlyAsync(slot.Id, slot.Agent).ConfigureAwait(false);
        CountAgent(slot.Identity.Type, -1);
        await slot.DisposeAsync().ConfigureAwait(false);
        if (slot.Factory is not null)
        {
            await DisposeAgentAsync(slot.Id, slot.Agent).ConfigureAwait(false);
        }

        over.SetResult();
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

    private async ValueTask StopQuietlyAsync(string agentId, BaseAgent agent)
    {
        try
        {
            await agent.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A failing stop hook never blocks removal or the stop of the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.StopHookFailed(_logger, exception, agentId);
        }

        agent.Detach();
    }

    private void CountAgent(AgentType type, int change)
    {
        try
        {
            _environment.Instruments.ActiveAgents.Add(change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, type.Name));
        }
#pragma warning disable CA1031 // Somebody who listens to metrics and fails: the agent is there, or gone, all the same.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(_logger, exception);
        }
    }

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

    private void OnBreakerChanged(string agentId)
    {
        if (FindSlot(agentId) is { } slot)
        {
            slot.Breaker = _errors.FindCircuitBreaker(agentId);
            slot.Pool.OnBreakerChanged(slot);
        }
    }
}
