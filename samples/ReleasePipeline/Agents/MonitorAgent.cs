using Conductor;
using Conductor.Agents;
using ReleasePipeline.Libraries;
using ReleasePipeline.Packages;
using ReleasePipeline.Reports;

namespace ReleasePipeline.Agents;

/// <summary>Installs the released package in a fresh program, uses it, and sends what is wrong with it back to development.</summary>
internal sealed class MonitorAgent(Consumer consumer) : BaseAgent<Library, MonitorReport>
{
    /// <inheritdoc />
    protected override async ValueTask<MonitorReport> RunAsync(Library library, TaskContext task, CancellationToken cancellationToken)
    {
        var data = task.Output<TestDataReport>("test-data");
        var deployed = task.Output<DeployReport>("deploy");

        task.ReportProgress(10, $"installing {library.PackageId} {deployed.Version}");
        await consumer.BuildAsync(library.PackageId, deployed.Version, cancellationToken);

        task.ReportProgress(70, "running it");
        var run = await consumer.RunAsync(library, data.TypesFile, data.InputsFile, cancellationToken);
        var missing = ApiComparer.FindMissing(PublicApi.Read(data.Assembly), PublicApi.Read(consumer.InstalledAssembly(library)));
        Finding[] findings = [.. PackageInspector.Inspect(deployed.Package), .. missing, .. run.Findings];
        if (findings.Length > 0)
        {
            task.SendBack(new Feedback
            {
                Severity = FeedbackSeverity.Error,
                Findings = [.. findings.Select(finding => finding.ToString())],
                AffectedTaskIds = ["code"],
            });
        }

        task.ReportProgress(100, $"{run.Types} types loaded, {run.Calls} calls, {findings.Length} findings");
        return new MonitorReport { Version = deployed.Version, Findings = findings };
    }
}
