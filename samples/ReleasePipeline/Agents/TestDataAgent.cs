using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Reports;
using ReleasePipeline.Testing;
using ReleasePipeline.Workspaces;

namespace ReleasePipeline.Agents;

/// <summary>
/// Makes the data for tests and monitoring: the public types of the built assembly, and inputs for text parsers, which it also puts into
/// the test projects that offer a file for them.
/// </summary>
internal sealed class TestDataAgent(Workspace workspace) : BaseAgent<Library, TestDataReport>
{
    /// <inheritdoc />
    protected override async ValueTask<TestDataReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        var report = new TestDataReport
        {
            Assembly = Path.Combine(workspace.TestData, "built.dll"),
            TypesFile = Path.Combine(workspace.TestData, "types.txt"),
            InputsFile = Path.Combine(workspace.TestData, TestInputs.FileName),
        };
        File.Copy(library.AssemblyPath, report.Assembly, overwrite: true);
        var api = PublicApi.Read(report.Assembly);
        await File.WriteAllLinesAsync(report.TypesFile, api.Types, cancellationToken);

        var inputs = TestInputs.Make(Path.ChangeExtension(library.AssemblyPath, ".xml"));
        await TestInputs.WriteAsync(report.InputsFile, inputs, cancellationToken);
        var places = TestProjects.Find(workspace.Source, library)
            .SelectMany(project => SourceFiles.Find(Path.GetDirectoryName(project)!, TestInputs.FileName))
            .ToList();
        places.ForEach(place => File.Copy(report.InputsFile, place, overwrite: true));

        task.ReportProgress(100, $"{api.Types.Count} public types, {inputs.Count} inputs for parsers, {places.Count} test file(s) filled");
        return report;
    }
}
