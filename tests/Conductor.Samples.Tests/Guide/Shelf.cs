namespace Conductor.Samples.Tests.Guide;

/// <summary>What the archives keep. Thread-safe.</summary>
internal sealed class Shelf
{
    private int _kept;
    private int _disposed;

    public int Disposed => _disposed;

    public string Add(string title) => $"{title} #{Interlocked.Increment(ref _kept)}";

    public void CountDisposal() => Interlocked.Increment(ref _disposed);
}
