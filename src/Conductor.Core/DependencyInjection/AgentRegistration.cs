using Conductor.Agents;

namespace Conductor.DependencyInjection;

/// <summary>Agents to be registered at start.</summary>
internal sealed class AgentRegistration
{
    public required AgentType Type { get; init; }

    public required int Count { get; init; }

    public required Func<IServiceProvider, BaseAgent> Factory { get; init; }

    /// <summary>The id of the only agent; null to number them.</summary>
    public string? AgentId { get; init; }

    /// <summary>Types that a durable store has to write: checked at start, not at the first crash.</summary>
    public IReadOnlyList<Type> PayloadTypes { get; init; } = [];
}
