using System.Collections.Concurrent;
using System.Diagnostics;
using Conductor.Diagnostics;

namespace Conductor.Errors;

/// <content>The circuit breakers: made when they are needed, counted, and forgotten with their agents.</content>
public sealed partial class ErrorHandler
{
    private readonly ConcurrentDictionary<string, CircuitBreaker> _breakers = new(StringComparer.Ordinal);

    /// <summary>The circuit breaker of an agent; one is made when it has none.</summary>
    /// <param name="agentId">The agent.</param>
    public CircuitBreaker GetCircuitBreaker(string agentId) => GetCircuitBreaker(agentId, TypeOf(agentId));

    /// <summary>Closes an agent's circuit breaker. Does nothing when it has none.</summary>
    /// <param name="agentId">The agent.</param>
    public void ResetCircuitBreaker(string agentId)
    {
        ArgumentException.ThrowIfNullOrEmpty(agentId);
        _breakers.GetValueOrDefault(agentId)?.Reset();
    }

    /// <summary>The breaker of an agent, if it has one: it has none until it fails, or until somebody asks for it.</summary>
    internal CircuitBreaker? FindCircuitBreaker(string agentId) => _breakers.GetValueOrDefault(agentId);

    /// <summary>An agent without failures is counted as one with a closed breaker; it has none until it needs one.</summary>
    internal void AddAgent(string agentId)
    {
        if (!_breakers.ContainsKey(agentId))
        {
            CountBreaker(CircuitBreakerState.Closed, 1);
        }
    }

    /// <summary>The breaker of an agent, with the settings of its type.</summary>
    private CircuitBreaker GetCircuitBreaker(string agentId, AgentType type)
    {
        if (_breakers.TryGetValue(agentId, out var known))
        {
            return known;
        }

        var made = new CircuitBreaker(agentId, _options.CircuitBreaker.With(SettingsOf(type)?.CircuitBreaker.ToSettings()), _environment.TimeProvider);
        var kept = _breakers.GetOrAdd(agentId, made);
        if (ReferenceEquals(kept, made))
        {
            made.StateChanged = _onBreakerChanged;
            if (TypeOf(agentId).IsEmpty)
            {
                CountBreaker(CircuitBreakerState.Closed, 1);
            }

            BreakerChanged?.Invoke(agentId);
        }

        return kept;
    }

    /// <summary>Forgets an agent that is gone, and its breaker if it has one.</summary>
    internal void RemoveAgent(string agentId)
    {
        var state = CircuitBreakerState.Closed;
        if (_breakers.TryRemove(agentId, out var breaker))
        {
            breaker.StateChanged = null;
            state = breaker.CountedState;
        }

        CountBreaker(state, -1);
    }

    private void OnBreakerChanged(CircuitBreaker breaker, CircuitBreakerState before, CircuitBreakerState after)
    {
        CountBreaker(before, -1);
        CountBreaker(after, 1);
        Log.BreakerChanged(_logger, breaker.AgentId, before, after);
        try
        {
            Activity.Current?.AddEvent(new ActivityEvent($"conductor.circuit_breaker.{after}"));
        }
#pragma warning disable CA1031 // Somebody who listens to traces and fails: the breaker has changed all the same, and whoever uses it must learn of that.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ListenerFailed(_logger, exception, breaker.AgentId);
        }

        BreakerChanged?.Invoke(breaker.AgentId);
    }

    private void CountBreaker(CircuitBreakerState state, int change) => _environment.Instruments.CircuitBreakerStatus.Record(
        change, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.BreakerState, state.ToString()));
}
