namespace Conductor.Tests.Support;

/// <summary>A workflow as many tests run one.</summary>
internal static class Release
{
    public static WorkflowDefinition ThreePhases() => WorkflowDefinition.Create("release")
        .Phase(WorkflowPhase.Development, phase =>
        {
            var code = phase.Task("code", AgentType.Coding, "spec");
            phase.Task("review", AgentType.Review).After(code);
            phase.Task("test", AgentType.Test).After(code);
        })
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps).After("code"))
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor))
        .Build();
}
