namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>What actors and handlers answer.</summary>
internal sealed record Reply(int Number);
