using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.State;

namespace Conductor.Coordination;

/// <content>The agents: which there are, registering and unregistering.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>The agents by id; null while one is being registered.</summary>
    private readonly ConcurrentDictionary<string, AgentSlot?> _slots = new(StringComparer.Ordinal);

    /// <summary>Ids of the agents registered here.</summary>
    public IReadOnlyCollection<string> AgentIds => [.. _slots.Where(static entry => entry.Value is not null).Select(static entry => entry.Key)];

    /// <summary>Agents of a type that are idle now.</summary>
    /// <param name="type">The type.</param>
    /// <returns>
    /// The agents, in the order in which tasks are given to them: that of their registration. One that is made anew for each task
    /// (<see cref="DependencyInjection.AgentLifetime.PerTask"/>) has no instance while it is idle: what stands for it here has its identity, and is
    /// not of your class.
    /// </returns>
    /// <exception cref="NoAgentTypeException">The type is nameless.</exception>
    public IReadOnlyList<BaseAgent> GetAvailableAgents(AgentType type)
    {
        if (type.IsEmpty)
        {
            throw new NoAgentTypeException($"{nameof(GetAvailableAgents)} was given no agent type. Name one: AgentType.Coding, or new AgentType(\"…\").");
        }

        return _pools.TryGet(type, out var pool) ? [.. pool.IdleSlots().Select(static slot => slot.Agent)] : [];
    }

    /// <summary>
    /// The id of the task of a run that asks for something with the token it was given, if one does: it would wait for itself by waiting for its
    /// run.
    /// </summary>
    internal string? FindTask(string workflowId, CancellationToken token) =>
        token.CanBeCanceled ? _slots.Values.Select(slot => slot?.FindTask(workflowId, token)).FirstOrDefault(static task => task is not null) : null;

    /// <summary>Registers an agent that knows its identity. It takes tasks when this returns.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="cancellationToken">
    /// Gives up. A start hook that ignores that is left to itself after <see cref="DispatchOptions.CancellationGracePeriod"/>.
    /// </param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="NoAgentTypeException">It names no type.</exception>
    /// <exception cref="ArgumentException">Its id is blank or not well-formed.</exception>
    /// <exception cref="StateException">Its state could not be saved; it is not registered.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first; it is not registered.</exception>
    /// <exception cref="Exception">What its start hook threw, as it is; it is not registered.</exception>
    /// <exception cref="InvalidOperationException">
    /// It has no identity, is registered already, or the coordinator is not started, or stops meanwhile.
    /// </exception>
    public ValueTask RegisterAgentAsync(BaseAgent agent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return RegisterAsync(agent.Identity, agent, factory: null, cancellationToken);
    }

    /// <summary>Registers an agent under a type, and an id if one is given: whatever else it says of itself stands.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="type">Its type.</param>
    /// <param name="agentId">Its id. Default: that of the identity it knows, and a new one where it knows none.</param>
    /// <param name="cancellationToken">
    /// Gives up. A start hook that ignores that is left to itself after <see cref="DispatchOptions.CancellationGracePeriod"/>.
    /// </param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="NoAgentTypeException">It names no type.</exception>
    /// <exception cref="ArgumentException">Its id is blank or not well-formed.</exception>
    /// <exception cref="StateException">Its state could not be saved; it is not registered.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first; it is not registered.</exception>
    /// <exception cref="Exception">What its start hook threw, as it is; it is not registered.</exception>
    /// <exception cref="InvalidOperationException">It is registered already, or the coordinator is not started, or stops meanwhile.</exception>
    public ValueTask RegisterAgentAsync(BaseAgent agent, AgentType type, string? agentId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(agent);
        var id = agentId ?? (agent.HasIdentity ? agent.Identity.Id : EntityId.New());
        return RegisterAsync(agent.IdentityUnder(new AgentIdentity { Id = id, Type = type }), agent, factory: null, cancellationToken);
    }

    /// <summary>
    /// Registers an agent from a factory: one that has to be set aside is replaced by another from the same factory. A replacement that cannot
    /// start is tried again, at first after 1 second, later each 60, until it starts or the agent is unregistered; tasks wait for it.
    /// </summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="factory">Makes it, and its replacements. What it makes is disposed here.</param>
    /// <param name="cancellationToken">
    /// Gives up. A start hook that ignores that is left to itself after <see cref="DispatchOptions.CancellationGracePeriod"/>.
    /// </param>
    /// <exception cref="AgentAlreadyRegisteredException">One of its id is registered.</exception>
    /// <exception cref="NoAgentTypeException">It names no type.</exception>
    /// <exception cref="ArgumentException">Its id is blank or not well-formed.</exception>
    /// <exception cref="StateException">Its state could not be saved; it is not registered.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled first; it is not registered.</exception>
    /// <exception cref="Exception">What the factory or its start hook threw, as it is; it is not registered.</exception>
    /// <exception cref="InvalidOperationException">
    /// The factory gave null or an agent that is registered already, or the coordinator is not started, or stops meanwhile.
    /// </exception>
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
    /// <param name="cancellationToken">
    /// Waits no longer for a running task: that attempt has failed, the agent is asked to stop, and the task's next attempt is another agent's, if
    /// there is one. (Nobody wanted the task cancelled.) Nor for its stop hook, which has the grace period left then
    /// (<see cref="DispatchOptions.CancellationGracePeriod"/>); without a token, both are waited for as long as they take. Where several unregister one
    /// agent, the token of each counts. An agent's task that waits until the agent itself is unregistered waits for itself, until then or until its time
    /// limit.
    /// </param>
    /// <returns>Whether there was one. Where somebody else unregisters it already: when it is known no more, and its stop hook may still run.</returns>
    /// <exception cref="StateException">
    /// It is unregistered, and its state could not be deleted: <see cref="StateManager.DeleteAgentStateAsync"/> does that later.
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The token was cancelled while another agent of the same factory was starting in its place. That one does not take the place all the same:
    /// its start hook is cancelled, and left to itself after <see cref="DispatchOptions.CancellationGracePeriod"/>.
    /// </exception>
    public async ValueTask<bool> UnregisterAgentAsync(string agentId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        if (FindSlot(agentId) is null or { HasLeft: true } && _replacing.TryGetValue(agentId, out var replacement))
        {
            // Another is about to take its place, and goes, too: by itself where it asks for it, and else before this returns.
            replacement.IsUnregistered = true;
            _ = CancelAsync(replacement);
            if (Replacement.Current == replacement)
            {
                return true;
            }

            await replacement.Over.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (FindSlot(agentId) is null)
            {
                return true;
            }
        }

        if (FindSlot(agentId) is { } slot && await TryLeaveAsync(slot, cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        // Another may have begun to take its place at this moment.
        return _replacing.ContainsKey(agentId) && await UnregisterAgentAsync(agentId, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether an agent of a type is registered here.</summary>
    internal bool HasAgents(AgentType type) => AgentCountOf(type) > 0;

    /// <summary>The agents of a type, with those that others are about to replace.</summary>
    internal int AgentCountOf(AgentType type) => _pools.TryGet(type, out var pool) ? pool.AgentCount : 0;

    /// <summary>The agents of all types.</summary>
    internal int AgentCount => _pools.AgentCount;

#pragma warning disable MA0046 // Within the library, and no event for a sender and its arguments; several engines may come and go at once.
    /// <summary>An agent was registered, or has taken the place of another.</summary>
    internal event Action? AgentAdded;
#pragma warning restore MA0046

    internal void OnSlotChanged(AgentSlot slot) => _saver.OnChanged(slot);

    /// <summary>An agent ignores its cancelled token: one from a factory is replaced, others come back when their code returns.</summary>
    internal void OnAgentSetAside(AgentSlot slot)
    {
        var remedy = slot.HasLeft ? "it is being removed" : slot.Factory is null ? "it comes back when its code returns" : "another takes its place";
        Log.SetAside(_logger, slot.Id, remedy);
        if (slot.Factory is not null)
        {
            _ = ReplaceAsync(slot);
        }
        else
        {
            slot.Pool.SetAside(slot);
        }
    }

    /// <summary>An agent idles that did not come free with a place: whoever was denied all others is judged again.</summary>
    internal void OnAgentIdle() => _admissions.OnAgentIdle();

    /// <summary>No agent of a type is left.</summary>
    internal void OnLastAgentGone(AgentType type) => _admissions.OnLastAgentGone(type);

    /// <summary>An agent that was removed while it ran has returned: now it can be stopped.</summary>
    internal void OnRemovedAgentReturned(AgentSlot slot)
    {
        Log.RemovedAgentReturned(_logger, slot.Id);
        _ = RetireAsync(slot, CancellationToken.None);
    }

    /// <summary>One that is about to be replaced has the type, and the breaker, of its successor.</summary>
    private AgentType TypeOf(string agentId) => FindKnown(agentId)?.Identity.Type ?? default;

    private AgentSlot? FindKnown(string agentId) => FindSlot(agentId) ?? _replacing.GetValueOrDefault(agentId)?.Predecessor;

    private AgentSlot? FindSlot(string agentId) => _slots.GetValueOrDefault(agentId);

    private void OnPoliciesChanged()
    {
        foreach (var pool in _pools.All)
        {
            pool.ForgetOldRefusals();
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
