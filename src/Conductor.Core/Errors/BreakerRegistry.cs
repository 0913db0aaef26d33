namespace Conductor.Errors;

/// <summary>
/// The circuit breakers by agent. Those of registered agents stay as long as their agents. Anybody may ask for the breaker of an agent that is registered
/// nowhere, under any id: of those the ones used last are kept. Thread-safe.
/// </summary>
/// <param name="make">Makes the breaker of an agent of a type.</param>
internal sealed class BreakerRegistry(Func<string, AgentType, CircuitBreaker> make)
{
    /// <summary>How many breakers of agents that are registered nowhere are kept; more while they are open.</summary>
    public const int MaxStrangers = 1_000;

    /// <summary>How many of them are looked at to make room for one more: nobody waits for a look at all.</summary>
    private const int MaxLooks = 8;

    private readonly Lock _gate = new();
    /// <summary>Each breaker, and its place among the strangers if its agent is one.</summary>
    private readonly Dictionary<string, (CircuitBreaker Breaker, LinkedListNode<string>? Place)> _breakers = new(StringComparer.Ordinal);

    /// <summary>Agents that are registered nowhere and have a breaker, the one used longest ago first.</summary>
    private readonly LinkedList<string> _strangers = new();

    public CircuitBreaker? Find(string agentId)
    {
        lock (_gate)
        {
            return _breakers.GetValueOrDefault(agentId).Breaker;
        }
    }

    /// <summary>The breaker of an agent, to be used; one is made when it has none.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="type">Its type, for the settings of a new one.</param>
    /// <param name="isStranger">Whether the agent is registered nowhere.</param>
    /// <param name="isMade">Whether it was made.</param>
    public CircuitBreaker Use(string agentId, AgentType type, bool isStranger, out bool isMade)
    {
        lock (_gate)
        {
            isMade = !_breakers.TryGetValue(agentId, out var known);
            if (isMade)
            {
                known = (make(agentId, type), isStranger ? _strangers.AddLast(agentId) : null);
                _breakers[agentId] = known;
            }
            else if (known.Place is { } place)
            {
                _strangers.Remove(place);
                _strangers.AddLast(place);
            }

            return known.Breaker;
        }
    }

    /// <summary>An agent is registered: the breaker it may have had as a stranger is kept from now on.</summary>
    /// <returns>The breaker it had, or null.</returns>
    public CircuitBreaker? Adopt(string agentId)
    {
        lock (_gate)
        {
            if (!_breakers.TryGetValue(agentId, out var known) || known.Place is not { } place)
            {
                return null;
            }

            _strangers.Remove(place);
            _breakers[agentId] = (known.Breaker, null);
            return known.Breaker;
        }
    }

    /// <summary>A registered agent is gone, and its breaker with it.</summary>
    /// <returns>The breaker it had, or null.</returns>
    public CircuitBreaker? Remove(string agentId)
    {
        lock (_gate)
        {
            if (!_breakers.Remove(agentId, out var known))
            {
                return null;
            }

            if (known.Place is { } place)
            {
                _strangers.Remove(place);
            }

            return known.Breaker;
        }
    }

    /// <summary>
    /// Takes a stranger's breaker out, if there are too many: of those looked at that are not open the one used longest ago. An open one says what a new one
    /// would not, until its recovery time is over; of a closed one a few failures are lost, which were followed by many of others.
    /// </summary>
    /// <returns>The breaker that is kept no more, or null.</returns>
    public CircuitBreaker? TakeSurplus()
    {
        lock (_gate)
        {
            for (var looks = 0; looks < MaxLooks && _strangers.Count > MaxStrangers; looks++)
            {
                var oldest = _strangers.First!;
                var breaker = _breakers[oldest.Value].Breaker;
                _strangers.Remove(oldest);
                if (!breaker.IsOpen())
                {
                    _breakers.Remove(oldest.Value);
                    return breaker;
                }

                _strangers.AddLast(oldest);
            }
        }

        return null;
    }
}
