using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Reports;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>Pushes the packages to the folder feed.</summary>
internal sealed class DeployingAgent(DotNet dotnet, Workspace workspace) : BaseAgent<Library, DeployReport>
{
    /// <inheritdoc />
    protected override async ValueTask<DeployReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        var packed = task.Output<PackReport>("pack");
        foreach (var file in packed.Files)
        {
            // A push happens once, also if a later one fails and the task is tried again.
            await task.OnceAsync(Path.GetFileName(file), async token => await PushAsync(file, token), cancellationToken);
        }

        task.ReportProgress(100, $"{packed.Files.Count} package file(s) in the feed");
        return new DeployReport
        {
            Version = packed.Version,
            Package = Path.Combine(workspace.Feed, $"{library.PackageId}.{packed.Version}.nupkg"),
        };
    }

    private async Task<bool> PushAsync(string file, CancellationToken cancellationToken)
    {
        if (Path.GetExtension(file) == ".snupkg")
        {
            // A folder has no symbol server: pushing leaves symbols packages out.
            File.Copy(file, Path.Combine(workspace.Feed, Path.GetFileName(file)));
            return true;
        }

        var push = await dotnet.RunAsync(workspace.Folder, ["nuget", "push", file, "--source", workspace.Feed], cancellationToken);
        return push.EnsureSucceeded().Succeeded;
    }
}
