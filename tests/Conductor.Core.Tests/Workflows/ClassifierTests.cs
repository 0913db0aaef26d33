using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

public sealed class ClassifierTests
{
    [Fact]
    public async Task RunWorkflowAsync_ClassifierThatFails_EndsTheRunAllTheSameAndSaysSo()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Classifier = new FailingClassifier() });
        var workflow = WorkflowDefinition.Create("no agents").Phase(WorkflowPhase.Development, phase => phase.Task("a", AgentType.Coding)).Build();

        var state = await rig.Engine.RunWorkflowAsync(workflow).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        state.Status.Should().Be(WorkflowStatus.Failed);
        state.TaskResults["a"].Status.Should().Be(AgentTaskStatus.Failed);
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Message.Contains("classifier itself failed", StringComparison.Ordinal));
    }

    private sealed class FailingClassifier : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => throw new NotSupportedException("the classifier");
    }
}
