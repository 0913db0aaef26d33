using Mediator;

namespace Conductor.Benchmarks.Peers.Contenders.MediatorGenerated;

/// <summary>What is answered at once.</summary>
/// <param name="Number">Any number.</param>
public sealed record Ask(int Number) : IRequest<int>;
