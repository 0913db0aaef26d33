using ReleasePipeline.Libraries;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Packages;

/// <summary>A fresh console project that installs a package from the feed and uses it, as a stranger would.</summary>
internal sealed class Consumer(DotNet dotnet, Workspace workspace)
{
    private const string Template = "consumer";

    /// <summary>The package's assembly as it was installed, after <see cref="BuildAsync"/>.</summary>
    /// <param name="library">The library.</param>
    public string InstalledAssembly(Library library) => Path.Combine(Output, library.AssemblyName + ".dll");

    private string Output => Path.Combine(workspace.Consumer, "out");

    /// <summary>Makes the project anew, installs the package from the feed, and builds.</summary>
    /// <param name="packageId">The package.</param>
    /// <param name="version">Its version.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ToolException">It does not restore or build.</exception>
    public async Task BuildAsync(string packageId, string version, CancellationToken cancellationToken)
    {
        if (Directory.Exists(workspace.Consumer))
        {
            Directory.Delete(workspace.Consumer, recursive: true);
        }

        SourceFiles.Copy(Path.Combine(AppContext.BaseDirectory, Template), workspace.Consumer);

        // What the package depends on is taken from where the machine has it; only the package itself is installed afresh.
        var machine = await dotnet.RunAsync(workspace.Folder, ["nuget", "locals", "global-packages", "--list"], cancellationToken);
        var folder = machine.EnsureSucceeded().Output.Split(": ", 2)[^1].Trim();
        var build = await dotnet.RunAsync(
            workspace.Consumer,
            [
                "build", "--output", Output, $"-p:ReleasedId={packageId}", $"-p:ReleasedVersion={version}",
                $"-p:ReleasedFramework={TargetFrameworks.Current}", $"-p:RestoreFallbackFolders={folder}",
            ],
            cancellationToken);
        build.EnsureSucceeded();
    }

    /// <summary>Runs the program.</summary>
    /// <param name="library">The library.</param>
    /// <param name="typesFile">The public types it must have.</param>
    /// <param name="inputsFile">The inputs for its parsers.</param>
    /// <param name="cancellationToken">Kills it.</param>
    public async Task<ConsumerReport> RunAsync(Library library, string typesFile, string inputsFile, CancellationToken cancellationToken)
    {
        var run = await dotnet.RunAsync(
            workspace.Consumer, [Path.Combine(Output, "Consumer.dll"), library.AssemblyName, typesFile, inputsFile], cancellationToken);
        var rows = run.Output.Split('\n', StringSplitOptions.TrimEntries)
            .Select(line => line.Split('\t'))
            .Where(cells => cells.Length == 3)
            .ToList();
        var findings = rows
            .Where(cells => Enum.IsDefined(typeof(FindingCode), cells[0]))
            .Select(cells => new Finding { Code = Enum.Parse<FindingCode>(cells[0]), Subject = cells[1], Message = cells[2] })
            .ToList();
        var done = rows.LastOrDefault(cells => cells[0] == "done");
        if (done is null)
        {
            findings.Add(new Finding
            {
                Code = FindingCode.Crash,
                Subject = library.AssemblyName,
                Message = $"The program that uses the package ended with {run.ExitCode}: {run.Error.ReplaceLineEndings(" ").Trim()}",
            });
        }

        return new ConsumerReport
        {
            Findings = findings,
            Types = int.Parse(done?[1] ?? "0"),
            Calls = int.Parse(done?[2] ?? "0"),
        };
    }
}
