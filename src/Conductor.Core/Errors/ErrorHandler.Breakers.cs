using System.Diagnostics;
using Conductor.Diagnostics;

namespace Conductor.Errors;

/// <content>The circuit breakers: made when they are needed, counted, and forgotten with their agents.</content>
public sealed partial class ErrorHandler
{
    private readonly BreakerRegistry _breakers;

    /// <summary>
    /// The circuit breaker of an agent; one is made when it has none. A registered agent's lasts as long as the agent. Of agents that are registered nowhere
    /// the 1,000 used last are kept, and those that are open: do not hold one for long, ask for it again.
    /// </summary>
    /// <param name="agentId">The agent.</param>
    public CircuitBreaker GetCircuitBreaker(string agentId) => GetCircuitBreaker(agentId, TypeOf(agentId));

    /// <summary>Closes an agent's circuit breaker. Does nothing when it has none.</summary>
    /// <param name="agentId">The agent.</param>
    public void ResetCircuitBreaker(string agentId)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        _breakers.Find(agentId)?.Reset();
    }

    /// <summary>The breaker of an agent, if it has one: it has none until it fails, or until somebody asks for it.</summary>
    internal CircuitBreaker? FindCircuitBreaker(string agentId) => _breakers.Find(agentId);

    /// <summary>An agent that is registered, and known by its type, is counted as one with a closed breaker; it has none until it needs one.</summary>
    /// <param name="agentId">The agent.</param>
    /// <param name="type">Its type: a breaker that it had before goes on with the settings of that.</param>
    internal void AddAgent(string agentId, AgentType type)
    {
        if (_breakers.Adopt(agentId) is { } known)
        {
            known.Options = BreakerOptionsOf(type);
        }
        else
        {
            CountBreaker(CircuitBreakerState.Closed, 1);
        }
    }

    /// <summary>Forgets an agent that is gone, and its breaker if it has one.</summary>
    internal void RemoveAgent(string agentId) => Forget(_breakers.Remove(agentId));

    /// <summary>The breaker of an agent, with the settings of its type.</summary>
    private CircuitBreaker GetCircuitBreaker(string agentId, AgentType type)
    {
        var isStranger = TypeOf(agentId).IsEmpty;
        var breaker = _breakers.Use(agentId, type, isStranger, out var isMade);
        if (!isMade)
        {
            return breaker;
        }

        if (isStranger)
        {
            CountBreaker(CircuitBreakerState.Closed, 1);
            while (_breakers.TakeSurplus() is { } surplus)
            {
                Forget(surplus);
            }
        }

        BreakerChanged?.Invoke(agentId);
        return breaker;
    }

    private CircuitBreaker MakeBreaker(string agentId, AgentType type) =>
        new(agentId, BreakerOptionsOf(type), _environment.TimeProvider) { StateChanged = _onBreakerChanged };

    private CircuitBreakerOptions BreakerOptionsOf(AgentType type) => _breakerOptions.With(SettingsOf(type).CircuitBreaker);

    /// <summary>A breaker is kept no more; an agent without one was counted as one with a closed one.</summary>
    private void Forget(CircuitBreaker? breaker) => CountBreaker(breaker?.Detach() ?? CircuitBreakerState.Closed, -1);

    private void OnBreakerChanged(CircuitBreaker breaker, CircuitBreakerState before, CircuitBreakerState after)
    {
        CountBreaker(before, -1);
        CountBreaker(after, 1);
        Log.BreakerChanged(_logger, breaker.AgentId, before, after);
        try
        {
            Activity.Current?.AddEvent(new ActivityEvent($"conductor.circuit_breaker.{EnumName<CircuitBreakerState>.Of(after)}"));
        }
#pragma warning disable CA1031 // Somebody who listens to traces and fails: the breaker has changed all the same, and whoever uses it must learn of that.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(_logger, exception, breaker.AgentId);
        }

        // That it may be tried is found out by a coordinator as it takes its agent, and by others by themselves.
        if (after != CircuitBreakerState.HalfOpen)
        {
            BreakerChanged?.Invoke(breaker.AgentId);
        }
    }

    private void CountBreaker(CircuitBreakerState state, int change) => _environment.Instruments.CircuitBreakerStatus.Record(
        change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.BreakerState, EnumName<CircuitBreakerState>.Of(state)));
}
