using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>What the agents of one coordinator share.</summary>
internal sealed class AgentHost(string coordinatorId, MessageBus? bus, StateManager? state, ConductorEnvironment environment, IServiceScopeFactory? scopes)
{
    private readonly string _results = Channels.Results(coordinatorId);

    /// <summary>For contexts that are built by hand: no bus, no store, no services.</summary>
    public static AgentHost Detached { get; } = new(string.Empty, bus: null, state: null, ConductorEnvironment.Default, scopes: null);

    public MessageBus? Bus { get; } = bus;

    public StateManager? State { get; } = state;

    public ConductorEnvironment Environment { get; } = environment;

    public IServiceScopeFactory? Scopes { get; } = scopes;

    /// <summary>Where a coordinator takes results: of this one it is known.</summary>
    public string ResultsOf(string coordinator) => coordinator == coordinatorId ? _results : Channels.Results(coordinator);

    public ILogger Logger { get; } = environment.LoggerFactory.CreateLogger<BaseAgent>();
}
