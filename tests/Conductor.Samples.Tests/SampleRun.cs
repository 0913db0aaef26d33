using System.Diagnostics;

namespace Conductor.Samples.Tests;

/// <summary>A sample that ran as a program of its own, and ended by itself. Samples show timing: tests run them one after another.</summary>
internal sealed record SampleRun
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(10);

    public required int ExitCode { get; init; }

    public required string Output { get; init; }

    public required string Error { get; init; }

    public static Task<SampleRun> OfAsync(string sample, params string[] arguments) => WithAsync([], sample, arguments);

    /// <summary>The same, with variables of the environment that are not as they are here.</summary>
    public static async Task<SampleRun> WithAsync(Dictionary<string, string> environment, string sample, params string[] arguments)
    {
        using var limit = new CancellationTokenSource(_limit);
        using var process = new Process { StartInfo = StartInfo(sample, arguments) };
        foreach (var (name, value) in environment)
        {
            process.StartInfo.Environment[name] = value;
        }

        process.Start();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{sample} did not end within {_limit}. It printed:\n{await output}\n{await error}");
        }

        return new SampleRun { ExitCode = process.ExitCode, Output = Normalize(await output), Error = Normalize(await error) };
    }

    /// <summary>Its lines, without indentation.</summary>
    public string[] Lines() => Output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static ProcessStartInfo StartInfo(string sample, string[] arguments) =>
        new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [BuildOutput.ProgramOf(sample), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

    private static string Normalize(string text) => text.ReplaceLineEndings("\n");
}
