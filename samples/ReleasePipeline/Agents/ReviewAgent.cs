using System.Text.RegularExpressions;
using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Reports;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>Builds the library with its analyzers and reads what they say. Only errors fail the review.</summary>
internal sealed partial class ReviewAgent(DotNet dotnet, Workspace workspace) : BaseAgent<Library, ReviewReport>
{
    /// <inheritdoc />
    protected override async ValueTask<ReviewReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        task.ReportProgress(10, "building with analyzers");
        List<string> arguments =
            ["build", library.ProjectFile, "--no-incremental", "-p:TreatWarningsAsErrors=false", "-p:MSBuildTreatWarningsAsErrors=false"];
        if (library.AnalysisMode is "" or "Default")
        {
            arguments.Add("-p:AnalysisMode=Recommended");
        }

        var build = await dotnet.RunAsync(library.Folder, arguments, cancellationToken);
        var warnings = build.EnsureSucceeded().Lines
            .Select(line => Warning().Match(line))
            .Where(match => match.Success)
            .Select(match => (File: Path.GetRelativePath(workspace.Source, match.Groups["file"].Value), match.Groups))
            .Select(warning => $"{warning.File}({warning.Groups["line"].Value}): {warning.Groups["text"].Value}")
            .Distinct(StringComparer.Ordinal)
            .ToList();
        task.ReportProgress(100, warnings.Count == 0 ? "no warnings" : $"{warnings.Count} warning(s), first: {warnings[0]}");
        return new ReviewReport { Warnings = warnings };
    }

    // file(line,column): warning CODE: text (help link) [project]
    [GeneratedRegex(
        @"^(?<file>[^(]+)\((?<line>\d+),\d+\): warning (?<text>\w+: .*?)( \(http[^)]*\))?( \[[^\]]*\])?$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Warning();
}
