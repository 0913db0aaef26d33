namespace Conductor.Benchmarks.Peers;

/// <summary>What the user asked for cannot be done; the message says what to do instead.</summary>
internal sealed class UsageException(string message) : Exception(message);
