using Conductor.Agents;
using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Taking agents in.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>Registers an agent from a factory under a type and an id: whatever else it says of itself stands.</summary>
    internal ValueTask RegisterAgentAsync(AgentType type, string agentId, Func<BaseAgent> factory, CancellationToken cancellationToken) =>
        RegisterAsync(new AgentIdentity { Id = agentId, Type = type }, agent: null, factory, cancellationToken, saysTheRest: true);

    private async ValueTask RegisterAsync(
        AgentIdentity identity, BaseAgent? agent, Func<BaseAgent>? factory, CancellationToken cancellationToken, bool saysTheRest = false)
    {
        if (identity.Type.IsEmpty)
        {
            throw new NoAgentTypeException($"Agent '{identity.Id}' names no type. Register it with one: RegisterAgentAsync(agent, new AgentType(\"…\")).");
        }

        IdText.ThrowIfInvalid(identity.Id, nameof(identity), "The agent's id (AgentIdentity.Id)");
        ThrowIfNotStarted();
        if (!_slots.TryAdd(identity.Id, null))
        {
            throw new AgentAlreadyRegisteredException(identity.Id);
        }

        using var either = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Asked) : null;
        var unwanted = either?.Token ?? _stop.Asked;
        AgentSlot? slot = null;
        try
        {
            agent ??= factory!();
            identity = saysTheRest && agent is not null ? agent.IdentityUnder(identity) : identity;
            slot = await OpenWithinGraceAsync(identity, agent!, factory, predecessor: null, unwanted).ConfigureAwait(false);

            // What it is as soon as it is taken in.
            await _state.SaveAgentStateAsync(slot.ToState() with { Status = AgentStatus.Idle }, cancellationToken: unwanted).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            if (slot is not null)
            {
                // It listens by now, and would take what is meant for the next one of its id.
                await RetireAsync(slot, unwanted).ConfigureAwait(false);
            }

            _slots.TryRemove(identity.Id, out _);
            if (exception is OperationCanceledException)
            {
                // By which of the two.
                cancellationToken.ThrowIfCancellationRequested();
                ThrowIfClosing();
            }

            throw;
        }

        await TakeInAsync(slot, predecessor: null).ConfigureAwait(false);

        // Once its type is known: before that, whoever asks for its breaker asks for that of an agent registered nowhere.
        _errors.AddAgent(identity.Id, identity.Type);
        ThrowIfStopped();
        Log.Registered(_logger, identity.Id, identity.Type.Name);
    }

    /// <summary>
    /// Starts an agent and opens its mailbox. A start hook that ignores that its agent is no longer wanted is left to itself after the grace
    /// period.
    /// </summary>
    private async ValueTask<AgentSlot> OpenWithinGraceAsync(
        AgentIdentity identity, BaseAgent agent, Func<BaseAgent>? factory, AgentSlot? predecessor, CancellationToken unwanted)
    {
        var opening = OpenAsync(identity, agent, factory, predecessor, unwanted);
        var limit = new GraceLimit(_options.CancellationGracePeriod, _time, exception => Log.HookCallbackFailed(_logger, exception, identity.Id), unwanted);
        await using var watched = limit.ConfigureAwait(false);
        try
        {
            return await opening.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.Token.IsCancellationRequested)
        {
            if (!opening.IsCompleted)
            {
                Log.StartHookLeft(_logger, identity.Id);
            }

            _ = RetireUnwantedAsync(opening, identity.Id, unwanted);
            throw;
        }
    }

    /// <summary>Stops what a start that is no longer wanted brought about, if it did, whenever that is. Never throws.</summary>
    private async Task RetireUnwantedAsync(Task<AgentSlot> opening, string agentId, CancellationToken patience)
    {
        try
        {
            await RetireAsync(await opening.ConfigureAwait(false), patience).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It gave up, and left nothing behind.
        }
#pragma warning disable CA1031 // In the background: a start hook may throw anything, and the log is the only place to say so.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.LateStartFailed(_logger, exception, agentId);
        }
    }

    /// <summary>Starts an agent and opens its mailbox. When anything fails, nothing is left behind.</summary>
    private async Task<AgentSlot> OpenAsync(
        AgentIdentity identity, BaseAgent agent, Func<BaseAgent>? factory, AgentSlot? predecessor, CancellationToken cancellationToken)
    {
        if (agent is null)
        {
            throw new InvalidOperationException(
                $"The factory of agent '{identity.Id}' of type '{identity.Type}' gave null. Let it give a new agent each time it is called.");
        }

        agent.Attach(identity);
        var isStarted = false;
        try
        {
            // It may block the thread instead of waiting: not that of whoever waits for it up to a limit.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await agent.StartAsync(cancellationToken).ConfigureAwait(false);
            isStarted = true;

            // The start may have taken its time: it must not begin to listen in place of another of its id.
            cancellationToken.ThrowIfCancellationRequested();
            var slot = new AgentSlot(_pools.GetOrAdd(identity.Type), agent, factory);
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
            await _ending.EndAsync(identity.Id, agent, isStarted, isOurs: factory is not null, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Makes a slot known, with the breaker its agent has by now, if any, and gives it to its pool. A coordinator that was stopped meanwhile stops
    /// it, too.
    /// </summary>
    private async ValueTask TakeInAsync(AgentSlot slot, AgentSlot? predecessor)
    {
        _slots[slot.Id] = slot;

        // After it is known: a breaker that is made from here on is told to it.
        slot.Breaker = _errors.FindCircuitBreaker(slot.Id);
        slot.Pool.Add(slot, predecessor);
        AgentAdded?.Invoke();
        if (slot.HasLeft)
        {
            // Unregistered since it is known: either there, or here, it leaves its pool.
            slot.Pool.Remove(slot);
        }

        if (_stopped)
        {
            await StopAgentAsync(slot.Id, _stop.Asked).ConfigureAwait(false);
        }
    }
}
