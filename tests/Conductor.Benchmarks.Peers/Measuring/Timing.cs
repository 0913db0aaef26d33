namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>How long to warm up and to measure.</summary>
internal sealed record Timing
{
    /// <summary>Enough for tiered compilation to have recompiled the hot paths with what it learned.</summary>
    public static Timing Full { get; } = new() { WarmUp = TimeSpan.FromSeconds(2), WarmUpOperations = 30_000, Measure = TimeSpan.FromSeconds(1.2) };

    /// <summary>For trying: the figures are not to be relied on.</summary>
    public static Timing Quick { get; } = new() { WarmUp = TimeSpan.FromSeconds(0.6), WarmUpOperations = 10_000, Measure = TimeSpan.FromSeconds(0.3) };

    public required TimeSpan WarmUp { get; init; }

    /// <summary>How many operations it takes to be warm, unless that takes three times as long as <see cref="WarmUp"/>.</summary>
    public required int WarmUpOperations { get; init; }

    public required TimeSpan Measure { get; init; }

    public Timing Times(double factor) => this with { WarmUp = WarmUp * factor, Measure = Measure * factor };
}
