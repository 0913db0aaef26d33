using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Reports;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>Packs the library, and the libraries of its tree that it depends on, as a release candidate.</summary>
internal sealed class DevOpsAgent(DotNet dotnet, Workspace workspace, LibraryReader reader) : BaseAgent<Library, PackReport>
{
    /// <inheritdoc />
    protected override async ValueTask<PackReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        // With the time in it, so that no package of another run is ever taken for this one.
        var version = $"{library.Version}-rc.{task.Round + 1}.{task.TimeProvider.GetUtcNow().ToUnixTimeSeconds()}";
        var folder = Path.Combine(workspace.Packages, version);
        foreach (var project in await WithDependenciesAsync(library, cancellationToken))
        {
            task.ReportProgress(10, $"{Path.GetFileNameWithoutExtension(project)} {version}");
            var pack = await dotnet.RunAsync(
                Path.GetDirectoryName(project)!,
                ["pack", project, "--configuration", "Release", "--output", folder, $"-p:Version={version}"],
                cancellationToken);
            pack.EnsureSucceeded();
        }

        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).ToList();
        task.ReportProgress(100, $"{version}: {string.Join(", ", files.Select(file => Path.GetFileName(file)))}");
        return new PackReport { Version = version, Files = files };
    }

    private async Task<IReadOnlyCollection<string>> WithDependenciesAsync(Library library, CancellationToken cancellationToken)
    {
        var projects = new List<string> { library.ProjectFile };
        var open = new Queue<string>(library.References);
        while (open.TryDequeue(out var project))
        {
            if (!projects.Contains(project))
            {
                projects.Add(project);
                (await reader.ReadAsync(project, cancellationToken)).References.ToList().ForEach(open.Enqueue);
            }
        }

        return projects;
    }
}
