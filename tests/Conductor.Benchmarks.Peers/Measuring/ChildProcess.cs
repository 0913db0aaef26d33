using System.Diagnostics;
using System.Text.Json;

namespace Conductor.Benchmarks.Peers.Measuring;

/// <summary>Starts this program again as a child, and reads what it measured.</summary>
internal static class ChildProcess
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    /// <summary>Measures in a process of its own.</summary>
    /// <returns>What it measured, or the reason why there is nothing.</returns>
    public static async Task<(Measurement? Measurement, string? Error)> MeasureAsync(
        string contender, string scenario, bool isQuick, IReadOnlyDictionary<string, string> environment)
    {
        using var process = Process.Start(StartInfo([Child.Command, contender, scenario, .. isQuick ? ["--quick"] : Array.Empty<string>()], environment))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(_limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (null, $"it took longer than {_limit.TotalMinutes} minutes.{Environment.NewLine}{await error}");
        }

        var line = (await output).Split('\n').FirstOrDefault(static line => line.StartsWith(Child.Mark, StringComparison.Ordinal));
        return process.ExitCode == 0 && line is not null
            ? (JsonSerializer.Deserialize<Measurement>(line[Child.Mark.Length..]), null)
            : (null, $"it ended with exit code {process.ExitCode}.{Environment.NewLine}{await error}");
    }

    private static ProcessStartInfo StartInfo(IReadOnlyCollection<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var program = Environment.ProcessPath!;

        // Run as "dotnet Some.dll", the process is dotnet's and the program its first argument.
        IEnumerable<string> prefix = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(program, prefix.Concat(arguments)) { RedirectStandardOutput = true, RedirectStandardError = true };

        // Whatever the shell says about collector and compiler: everybody runs with the settings of the project.
        foreach (var name in start.Environment.Keys.Where(static name => name.StartsWith("DOTNET_GC", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("DOTNET_Tiered", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("DOTNET_TC_", StringComparison.OrdinalIgnoreCase)
            || string.Equals(name, "DOTNET_ReadyToRun", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        // The compiler counts calls from the start instead of waiting for a moment without new methods, which a busy process may never have:
        // so everybody is measured with optimized code after the same warm-up.
        start.Environment["DOTNET_TC_CallCountingDelayMs"] = "0";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
