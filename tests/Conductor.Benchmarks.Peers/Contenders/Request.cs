namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>What actors are asked.</summary>
internal sealed record Request(int Number);
