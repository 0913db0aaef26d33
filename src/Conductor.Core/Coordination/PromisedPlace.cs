namespace Conductor.Coordination;

/// <summary>Whom a place that comes free is promised to; nobody by default.</summary>
/// <param name="InGate">Somebody who waits for a place, and is woken for it.</param>
/// <param name="InPool">Somebody who waits for the agent that comes free with it, and is served before everybody in the gate.</param>
internal readonly record struct PromisedPlace(CapacityWaiter? InGate, AgentWaiter? InPool = null);
