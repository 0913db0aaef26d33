using System.Diagnostics;

namespace ReleasePipeline.Tools;

/// <summary>Runs the <c>dotnet</c> command: the only way in which this program starts another.</summary>
/// <remarks>No shell, the output captured, and cancelling kills the whole tree of processes. Thread-safe.</remarks>
internal sealed class DotNet
{
    // A continuous-integration build asks for the repository that a copied tree does not have, and what an outer build
    // says to itself is not meant for ours.
    private static readonly string[] NotInherited =
        ["CI", "TF_BUILD", "GITHUB_ACTIONS", "MSBUILD_EXE_PATH", "MSBuildExtensionsPath", "MSBuildSDKsPath"];

    private static readonly KeyValuePair<string, string>[] Settings =
    [
        new("DOTNET_CLI_UI_LANGUAGE", "en"),
        new("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
        new("DOTNET_NOLOGO", "1"),

        // No process may outlive a run: it would hold on to the workspace.
        new("DOTNET_CLI_USE_MSBUILD_SERVER", "0"),
        new("MSBUILDDISABLENODEREUSE", "1"),
        new("UseSharedCompilation", "false"),
    ];

    /// <summary>Runs it to its end, whatever the exit code.</summary>
    /// <param name="folder">The folder to run in.</param>
    /// <param name="arguments">The arguments, unquoted.</param>
    /// <param name="cancellationToken">Kills it and everything it started.</param>
    public async Task<ToolResult> RunAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = StartInfo(folder, arguments) };
        process.Start();
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }

        return new ToolResult
        {
            Command = "dotnet " + string.Join(' ', arguments),
            Folder = folder,
            ExitCode = process.ExitCode,
            Output = await output,
            Error = await error,
        };
    }

    private static ProcessStartInfo StartInfo(string folder, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in NotInherited)
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in Settings)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
