namespace Conductor.Benchmarks.Peers.Contenders.WolverineBus;

/// <summary>What is answered after suspending once.</summary>
/// <param name="Number">Any number.</param>
public sealed record AskLater(int Number);
