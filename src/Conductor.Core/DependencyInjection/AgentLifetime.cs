namespace Conductor.DependencyInjection;

/// <summary>How long an instance of an agent that the container makes lives.</summary>
public enum AgentLifetime
{
    /// <summary>
    /// As long as its constructor (of several, the one by which it is made) allows: for each task anew when it asks for a scoped service,
    /// or for a transient one whose class does, however deep (of several registrations of a service by the one that the container gives);
    /// otherwise as long as the agent. What a factory or an <see cref="IServiceProvider"/> gives cannot be seen: say <see cref="PerTask"/> there.
    /// </summary>
    Auto,

    /// <summary>As long as the agent is registered: it may keep state between tasks. Its services come from a scope of its own.</summary>
    PerAgent,

    /// <summary>
    /// For one attempt at a task: its services come from that task's scope. Its hooks run around each; what the task gave out stands, whatever
    /// becomes of the stop hook, which is waited for <see cref="Coordination.DispatchOptions.CancellationGracePeriod"/> and no longer. Messages go
    /// to the instance of the task that runs, from the end of its start hook on; while none runs there is nobody to take one: it is dropped, with a
    /// warning if it was sent to this agent, without one if it was sent to all. In lists of agents, such as
    /// <see cref="Coordination.AgentCoordinator.GetAvailableAgents"/>, something that is not of your class stands for it; what the class says of itself
    /// (<see cref="AgentIdentity.Name"/>, version, description) is known there when its first task has begun, and in the spans of the later ones.
    /// </summary>
    PerTask,
}
