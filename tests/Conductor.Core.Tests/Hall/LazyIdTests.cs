using System.Text.Json;
using Conductor.Agents;
using Conductor.Serialization;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Hall;

public sealed class LazyIdTests
{
    [Fact]
    public void Text_OfANewId_IsTheSameWheneverItIsRead()
    {
        var id = LazyId.New();
        var copy = id;

        id.Text.Should().HaveLength(28).And.Be(id.Text).And.Be(copy.Text);
    }

    [Fact]
    public void Equals_ANumberAndItsText()
    {
        var id = LazyId.New();
        var text = new LazyId(id.Text);

        id.Should().Be(text).And.NotBe(LazyId.New());
        text.Should().Be(id);
        id.GetHashCode().Should().Be(text.GetHashCode());
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("", true)]
    [InlineData(" ", true)]
    [InlineData("a", false)]
    public void IsBlank_OfAText(string? text, bool expected) => new LazyId(text).IsBlank.Should().Be(expected);

    [Fact]
    public void IsBlank_OfANewId_IsFalse() => LazyId.New().IsBlank.Should().BeFalse();

    [Fact]
    public void GetHashCode_OfNothing_DoesNotThrow()
    {
        default(ExecutionKey).GetHashCode().Should().Be(default(ExecutionKey).GetHashCode());
        default(ExecutionKey).Should().NotBe(new ExecutionKey(null, "task", 0));
    }

    [Fact]
    public void Task_WithoutAnIdOfItsOwn_HasOneThatStays()
    {
        var task = new TaskDefinition { AgentType = AgentType.Coding };
        var unread = task with { Priority = TaskPriority.High };

        unread.Id.Should().Be(task.Id).And.Be(task.Name);
        (task with { }).Should().Be(task);
        new TaskDefinition { AgentType = AgentType.Coding }.Id.Should().NotBe(task.Id);
    }

    [Fact]
    public void Task_WithoutAnIdOfItsOwn_IsWrittenWithIt()
    {
        var task = new TaskDefinition { AgentType = AgentType.Coding };

        var read = JsonSerializer.Deserialize<TaskDefinition>(JsonSerializer.Serialize(task, ConductorJson.Options), ConductorJson.Options)!;

        read.Id.Should().Be(task.Id);
    }

    [Fact]
    public void ExecutionKey_OfATaskWhoseIdNobodyRead_IsThatOfItsText()
    {
        var task = new TaskDefinition { AgentType = AgentType.Coding };
        var key = new ExecutionKey(workflowId: null, task.LazyId, 0);

        key.Should().Be(new ExecutionKey(null, task.Id, 0));
        key.StoreKey.Should().Be($"task_result:{task.Id}");
    }

    [Fact]
    public async Task Dispatch_OfATaskWhoseIdNobodyRead_IsRecordedUnderIt()
    {
        await using var provider = new ServiceCollection().AddConductor().Services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        await conductor.Coordinator.RegisterAgentAsync(new DelegateAgent<int, int>((number, _, _) => ValueTask.FromResult(number + 1)), AgentType.Coding);
        var task = new TaskDefinition { AgentType = AgentType.Coding, Input = TaskData.From(1) };

        var result = await conductor.Coordinator.DispatchTaskAsync(task);
        var again = await conductor.Coordinator.DispatchTaskAsync(task with { Id = new string(task.Id.AsSpan()) });
        var recorded = await conductor.State.GetTaskResultAsync(task.Id);

        result.TaskId.Should().Be(task.Id);
        again.Should().Be(result);
        recorded.Should().Be(result);
    }
}
