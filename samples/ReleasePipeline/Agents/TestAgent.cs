using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Reports;
using ReleasePipeline.Testing;
using ReleasePipeline.Tools;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>Runs the library's tests. A library without any passes, with a warning.</summary>
internal sealed class TestAgent(DotNet dotnet, Workspace workspace) : BaseAgent<Library, TestReport>
{
    /// <inheritdoc />
    protected override async ValueTask<TestReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        var projects = TestProjects.Find(workspace.Source, library);
        if (projects.Count == 0)
        {
            task.ReportProgress(100, $"warning: nothing tests {library.Name}; no test project refers to it");
            return new TestReport { Projects = [], Counts = new TestCounts() };
        }

        var results = Path.Combine(workspace.Folder, "results", $"round-{task.Round}");
        foreach (var project in projects)
        {
            task.ReportProgress(10, Path.GetFileNameWithoutExtension(project));
            var run = await dotnet.RunAsync(
                Path.GetDirectoryName(project)!, ["test", project, "--logger", "trx", "--results-directory", results], cancellationToken);
            var failures = TestCounts.Read(results).Failures;
            if (failures.Count > 0)
            {
                throw new InvalidOperationException(
                    $"{failures.Count} test(s) of {library.Name} failed, first: {string.Join(", ", failures.Take(5))}");
            }

            run.EnsureSucceeded();
        }

        var counts = TestCounts.Read(results);
        task.ReportProgress(100, $"{(counts.Passed == 0 ? "warning: " : "")}{counts.Passed} test(s) passed, {counts.Skipped} skipped");
        return new TestReport { Projects = [.. projects.Select(project => Path.GetFileNameWithoutExtension(project)!)], Counts = counts };
    }
}
