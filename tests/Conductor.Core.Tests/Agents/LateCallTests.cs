using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Conductor.Tests.Agents;

/// <summary>What an agent's code says after it has returned, and who an agent is that nobody registered.</summary>
public sealed class LateCallTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SendBack_AfterTheCodeHasReturned_IsSaidOnce(bool hasSaidSomething)
    {
        await using var rig = await Rig.StartAsync();
        TaskContext? left = null;
        await rig.AddAsync(
            task =>
            {
                left = task;
                if (hasSaidSomething)
                {
                    task.SetMetadata("note", "in time");
                }

                return TaskData.Empty;
            },
            id: "hasty");
        var result = await rig.DispatchAsync(Rig.NewTask() with { Id = "task" });

        left!.SendBack(FeedbackSeverity.Error, "late");
        left.SetMetadata("note", "late");
        left.Fail("CODE", "late");

        (result.Feedback, result.IsSuccess).Should().Be((null, true));
        result.Metadata.GetValueOrDefault("note").Should().Be(hasSaidSomething ? "in time" : null);
        var record = rig.Logs.GetSnapshot().Where(static entry => entry.Id.Id == 1322).Should().ContainSingle().Subject;
        record.Level.Should().Be(LogLevel.Warning);
        record.Message.Should().StartWith("SendBack of agent hasty").And.Contain("task task");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue("the agent's next attempt is another");
    }

    [Fact]
    public async Task ExecuteTaskAsync_AgentThatKnowsItself_IsNamed()
    {
        var agent = new Reviewer(new AgentIdentity { Id = "a", Type = AgentType.Review });
        var task = new TaskContext(new TaskAssignment { Task = Rig.NewTask() });

        var result = await agent.ExecuteTaskAsync(task);

        (result.AgentId, task.AgentId, result.Feedback!.SourceAgentId, result.Output.Get<string>()).Should().Be(("a", "a", "a", "a"));
    }

    [Fact]
    public async Task ExecuteTaskAsync_AgentWithoutIdentity_IsNobody()
    {
        var task = new TaskContext(new TaskAssignment { Task = Rig.NewTask() });

        var result = await new LambdaAgent(Review).ExecuteTaskAsync(task);

        (result.AgentId, task.AgentId, result.Feedback!.SourceAgentId).Should().Be((null, string.Empty, null));
    }

    private static TaskData Review(TaskContext task)
    {
        task.SendBack(FeedbackSeverity.Info, "finding");
        return TaskData.From(task.AgentId);
    }

    private sealed class Reviewer(AgentIdentity identity) : BaseAgent(identity)
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(Review(task));
    }
}
