using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;
using ReleasePipeline.Repairs;
using ReleasePipeline.Reports;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>Formats the library's source and repairs what monitoring found.</summary>
internal sealed class CodingAgent(DotNet dotnet, Workspace workspace, RepairShop shop) : BaseAgent<Library, CodeReport>
{
    /// <inheritdoc />
    protected override async ValueTask<CodeReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        var repairs = Repair(library, task);
        task.ReportProgress(20, "restoring");
        (await dotnet.RunAsync(library.Folder, ["restore", library.ProjectFile], cancellationToken)).EnsureSucceeded();

        // Repairs edit the project, not the code: the first round's formatting still holds.
        List<string> formatted = [];
        if (task.Round == 0)
        {
            task.ReportProgress(40, "formatting");
            formatted = await FormatAsync(library, cancellationToken);
        }

        IEnumerable<string> done = [.. formatted.Select(file => $"formatted {file}"), .. repairs];
        task.ReportProgress(100, string.Join("; ", done.DefaultIfEmpty("nothing to do")));
        return new CodeReport { Formatted = formatted, Repairs = repairs };
    }

    private List<string> Repair(Library library, TaskContext task)
    {
        var findings = task.Feedback.SelectMany(feedback => feedback.Findings).Select(Finding.TryParse).OfType<Finding>().ToList();
        var repairs = findings.Select(finding => shop.TryRepair(finding, library, workspace.Source)).OfType<string>().ToList();
        return findings.Count == 0 || repairs.Count > 0
            ? repairs
            : throw new InvalidOperationException(
                $"None of the findings can be repaired by a program; please do it in {library.Name}: {string.Join("; ", findings)}");
    }

    // Whitespace and code style only: fixes of analyzers may change what code does.
    private async Task<List<string>> FormatAsync(Library library, CancellationToken cancellationToken)
    {
        var before = ReadSource(library);
        string[][] commands =
        [
            ["format", "whitespace", library.Folder, "--folder", "--exclude", "bin", "obj"],
            ["format", "style", library.ProjectFile, "--no-restore"],
        ];
        foreach (var command in commands)
        {
            (await dotnet.RunAsync(library.Folder, command, cancellationToken)).EnsureSucceeded();
        }

        var changed = ReadSource(library).Except(before).Select(file => Path.GetRelativePath(library.Folder, file.Key));
        return [.. changed.Order(StringComparer.Ordinal)];
    }

    // The formatter's own report also names files that it could not change.
    private static Dictionary<string, string> ReadSource(Library library) =>
        SourceFiles.Find(library.Folder, "*.cs").ToDictionary(file => file, File.ReadAllText);
}
