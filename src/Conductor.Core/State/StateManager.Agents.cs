namespace Conductor.State;

/// <content>Agent states.</content>
public abstract partial class StateManager
{
    /// <summary>Saves an agent's state, as <c>agent:{agent_id}</c>.</summary>
    /// <param name="state">The state.</param>
    /// <param name="expectation">What must be there. Default: null, the newest wins.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The new version.</returns>
    /// <exception cref="StateException">STATE_CONFLICT: another version is there; nothing was changed.</exception>
    /// <exception cref="NoAgentTypeException">The state names no agent type.</exception>
    /// <exception cref="ArgumentException">The agent's id is blank or not well-formed, or its status none of <see cref="AgentStatus"/>.</exception>
    public ValueTask<long> SaveAgentStateAsync(AgentState state, StateExpectation? expectation = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        IdText.ThrowIfInvalid(state.AgentId, nameof(state));
        if (state.AgentType.IsEmpty)
        {
            throw new NoAgentTypeException($"The state of agent '{state.AgentId}' names no agent type. Set AgentState.AgentType.");
        }

        if (!Enum.IsDefined(state.Status))
        {
            SettingProblems.ThrowIfAny(SettingProblems.OfEnum($"{nameof(AgentState)}.{nameof(AgentState.Status)}", state.Status), nameof(state));
        }

        return Measure("save_agent_state", (state, expectation ?? StateExpectation.Any),
            static (store, argument, token) => store.SaveAgentStateCoreAsync(argument.Item1, argument.Item2, token), cancellationToken);
    }

    /// <summary>An agent's state.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The state with its version, or null when none is stored.</returns>
    public ValueTask<AgentState?> GetAgentStateAsync(string agentId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(agentId);
        return Measure("get_agent_state", agentId, static (store, argument, token) => store.GetAgentStateCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Deletes an agent's state.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was one.</returns>
    public ValueTask<bool> DeleteAgentStateAsync(string agentId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(agentId);
        return Measure("delete_agent_state", agentId, static (store, argument, token) => store.DeleteAgentStateCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>The states of all agents, ordered by id.</summary>
    /// <param name="page">Which page. Default: the first, of 100. Its token is the id that the page comes after, so that any text is one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The page's size is out of its range.</exception>
    public ValueTask<Page<AgentState>> ListAgentStatesAsync(PageRequest? page = null, CancellationToken cancellationToken = default)
    {
        var request = page ?? PageRequest.First;
        request.Validate(nameof(page));
        return Measure("list_agent_states", request, static (store, argument, token) => store.ListAgentStatesCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Saves an agent's state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="expectation">What must be there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken);

    /// <summary>An agent's state.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken);

    /// <summary>Deletes an agent's state.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken);

    /// <summary>The states of all agents, ordered by id.</summary>
    /// <param name="page">Which page.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Page<AgentState>> ListAgentStatesCoreAsync(PageRequest page, CancellationToken cancellationToken);
}
