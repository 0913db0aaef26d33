using System.Globalization;
using System.Runtime.InteropServices;
using Conductor.Benchmarks.Peers.Contenders;
using Conductor.Benchmarks.Peers.Measuring;

namespace Conductor.Benchmarks.Peers.Report;

/// <summary>What the figures were measured on and with.</summary>
internal static class Facts
{
    public static string Machine(int rounds, bool isQuick)
    {
        var today = TimeProvider.System.GetUtcNow();
        var system =
            $"{Environment.ProcessorCount} cores, {Processor()}{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, workstation GC";
        var medians = $"medians of {rounds} {(rounds == 1 ? "round" : "rounds")} in which all take turns, a process for each figure";
        const string warm = "every process warmed up with DOTNET_TC_CallCountingDelayMs=0, so that all run optimized code";
        return $"Measured on {today:yyyy-MM-dd}: {system}; {medians}; {warm}.{(isQuick ? " A quick run, for trying: not to be relied on." : string.Empty)}";
    }

    /// <summary>How far the processors were from each other, or nothing where that was not looked at.</summary>
    public static string Processors(ProcessorDistance distance) => distance.Turns == 0 ? string.Empty : string.Create(
        CultureInfo.InvariantCulture,
        $"Before and after each turn a cache line was sent from one thread to another and back. That took less than " +
        $"{ProcessorDistance.NearNanoseconds} ns both times in {distance.NearTurns} of {distance.Turns} turns; a turn before which it did and " +
        $"after which it did not was taken again, up to {ProcessorDistance.MaxTurns - 1} times.\n");

    /// <summary>A line with the packages that were measured, or nothing when there were none.</summary>
    public static string Packages(IEnumerable<Contender> contenders)
    {
        var packages = contenders.Select(static contender => contender.Package).OfType<string>().Distinct().ToList();
        return packages.Count == 0 ? string.Empty : $"With {string.Join(", ", packages)}.\n";
    }

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        var line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? string.Empty : $"{line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()}, ";
    }
}
