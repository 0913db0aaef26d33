using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conductor.Agents;

/// <summary>What the agents of one coordinator share.</summary>
internal sealed class AgentHost(
    string coordinatorId, MessageBus? bus, StateManager? state, ConductorEnvironment environment, IServiceScopeFactory? scopes, TimeSpan gracePeriod)
{
    /// <summary>The coordinator that the agents belong to.</summary>
    public string CoordinatorId { get; } = coordinatorId;

    /// <summary>Where it takes results, once it has started.</summary>
    public MessageSubscription? Results { get; set; }

    /// <summary>
    /// Called on the thread that is about to run an agent's code, in the execution context that goes with it. Only a test host sets it, to know who is at
    /// work.
    /// </summary>
    public Action<TaskContext>? OnBegin { get; set; }

    /// <summary>For contexts that are built by hand: no bus, no store, no services.</summary>
    public static AgentHost Detached { get; } = new(
        string.Empty, bus: null, state: null, ConductorEnvironment.Default, scopes: null, gracePeriod: TimeSpan.Zero);

    public MessageBus? Bus { get; } = bus;

    public StateManager? State { get; } = state;

    public ConductorEnvironment Environment { get; } = environment;

    public IServiceScopeFactory? Scopes { get; } = scopes;

    /// <summary>Whether there is a container and it is disposed: it refuses everything from the moment at which that begins, and tells nobody.</summary>
    public bool LacksServices
    {
        get
        {
            try
            {
                Scopes?.CreateScope().Dispose();
                return false;
            }
#pragma warning disable CA1031 // Containers differ in what they throw once they are gone.
            catch (Exception)
#pragma warning restore CA1031
            {
                return true;
            }
        }
    }

    /// <summary>How long users' code is waited for once it should end.</summary>
    public TimeSpan GracePeriod { get; } = gracePeriod;

    public ILogger Logger { get; } = environment.LoggerFactory.CreateLogger<BaseAgent>();
}
