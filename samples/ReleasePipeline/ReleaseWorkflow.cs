using Conductor;
using ReleasePipeline.Libraries;

namespace ReleasePipeline;

/// <summary>The release as a workflow: three phases, and a way back from the last to the first.</summary>
internal static class ReleaseWorkflow
{
    private const int MaxRounds = 2;
    private static readonly TimeSpan TestTimeout = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan BuildTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Defines it for a library.</summary>
    /// <param name="library">The library; every task gets it.</param>
    public static WorkflowDefinition Define(Library library) => WorkflowDefinition.Create("release", version: "1")
        .Description($"Releases {library.PackageId}.")
        .Phase(WorkflowPhase.Development, phase =>
        {
            var code = phase.Task("code", AgentType.Coding, library).Timeout(BuildTimeout);
            var review = phase.Task("review", AgentType.Review, library).After(code).Timeout(BuildTimeout);
            var data = phase.Task("test-data", AgentType.TestData, library).After(review);
            phase.Task("test", AgentType.Test, library).After(data).Timeout(TestTimeout);
        })
        .Phase(WorkflowPhase.DevOps, phase =>
        {
            var pack = phase.Task("pack", AgentType.DevOps, library).Timeout(BuildTimeout);
            phase.Task("deploy", AgentType.Deploying, library).After(pack);
        })
        .Phase(WorkflowPhase.Monitoring, phase =>
            phase.Task("watch", AgentType.Monitor, library).After("deploy", "test-data").Timeout(BuildTimeout))
        .Feedback(from: WorkflowPhase.Monitoring, to: WorkflowPhase.Development, maxRounds: MaxRounds)
        .Build();
}
