namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>What a child process measured, as it prints it; or the median over several.</summary>
internal sealed record Measurement
{
    public required string Contender { get; init; }

    public required string Scenario { get; init; }

    /// <summary>Wall time divided by operations.</summary>
    public required double Nanoseconds { get; init; }

    /// <summary>Allocated by the whole process, per operation.</summary>
    public required double Bytes { get; init; }

    /// <summary>Of <see cref="Bytes"/>, what the caller makes by itself: the task, the message.</summary>
    public double RequestBytes { get; init; }

    public double? P50 { get; init; }

    public double? P99 { get; init; }

    /// <summary>What a worker holds on to while it has nothing to do.</summary>
    public double? IdleBytes { get; init; }

    /// <summary>The median of each figure by itself.</summary>
    public static Measurement MedianOf(IReadOnlyCollection<Measurement> rounds) => rounds.First() with
    {
        Nanoseconds = Median(rounds.Select(static round => round.Nanoseconds)),
        Bytes = Median(rounds.Select(static round => round.Bytes)),
        RequestBytes = Median(rounds.Select(static round => round.RequestBytes)),
        P50 = MedianOrNull(rounds.Select(static round => round.P50)),
        P99 = MedianOrNull(rounds.Select(static round => round.P99)),
        IdleBytes = MedianOrNull(rounds.Select(static round => round.IdleBytes)),
    };

    private static double? MedianOrNull(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        return known.Count == 0 ? null : Median(known);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
