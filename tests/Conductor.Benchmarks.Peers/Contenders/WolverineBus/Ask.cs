namespace Conductor.Benchmarks.Peers.Contenders.WolverineBus;

/// <summary>What is answered at once. Public, like everything here that Wolverine's generated code names.</summary>
/// <param name="Number">Any number.</param>
public sealed record Ask(int Number);
