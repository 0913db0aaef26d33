namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>What is published to actors.</summary>
internal sealed record Published(int Number);
