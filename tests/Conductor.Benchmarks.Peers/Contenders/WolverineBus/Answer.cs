namespace Conductor.Benchmarks.Peers.Contenders.WolverineBus;

/// <summary>The answer.</summary>
/// <param name="Number">The number after the one asked.</param>
public sealed record Answer(int Number);
