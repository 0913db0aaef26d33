using System.Text.Json;
using Conductor.Serialization;
using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>Nulls where the compiler does not look: in JSON, or in code without nullable references.</summary>
public sealed class NullsInDefinitionsTests
{
    public static TheoryData<string, TaskDefinition, string> BadTasks => new()
    {
        { "input", new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Input = null! }, "Input is null" },
        { "id", new TaskDefinition { Id = null!, AgentType = AgentType.Coding }, "Id is empty" },
        { "dependency", new TaskDefinition { Id = "t", AgentType = AgentType.Coding, DependsOn = [null!] }, "DependsOn" },
    };

    [Theory]
    [MemberData(nameof(BadTasks))]
    public async Task DispatchTaskAsync_NullInATask_IsRefusedBeforeAnyAgentSeesIt(string what, TaskDefinition task, string problem)
    {
        await using var rig = await Rig.StartAsync();
        var seen = 0;
        await rig.AddAsync(_ => $"{seen++}");

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync(task)).Should().ThrowAsync<TaskValidationException>(what);

        thrown.Which.ErrorCode.Should().Be(ErrorCodes.TaskValidationFailed);
        thrown.Which.Message.Should().Contain(problem);
        seen.Should().Be(0);
    }

    [Fact]
    public async Task DispatchTaskAsync_NullForADependsOn_IsNone()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty);

        (await rig.DispatchAsync(Rig.NewTask() with { DependsOn = null! })).IsSuccess.Should().BeTrue();
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task StartWorkflowAsync_NullsEverywhere_OneErrorNamesThemAll()
    {
        var error = await RefusedAsync(new WorkflowDefinition
        {
            Name = null!,
            Version = null!,
            Phases = null!,
            Metadata = null!,
            Tasks =
            [
                null!,
                new TaskDefinition { Id = null!, AgentType = AgentType.Coding, DependsOn = ["ghost"] },
                new TaskDefinition { Id = null!, AgentType = AgentType.Coding },
                new TaskDefinition { Id = "no-input", AgentType = AgentType.Coding, Input = null! },
                new TaskDefinition { Id = "behind-null", AgentType = AgentType.Coding, DependsOn = [null!, "no-input"] },
                new TaskDefinition { Id = "none", AgentType = default, DependsOn = null! },
            ],
        });

        error.ErrorCode.Should().Be(ErrorCodes.TaskValidationFailed);
        error.Message.Should().ContainAll(
            "no name", "no version", "Task 1 is null", "Id is empty", "'ghost', which does not exist", "'no-input': Input is null", "'behind-null': DependsOn",
            "'none' names no agent type", "not listed");
    }

    [Fact]
    public async Task StartWorkflowAsync_NullTasks_IsAWorkflowWithoutAny()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty", Tasks = null! })).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task StartWorkflowAsync_NullsReadFromJson_AreNamed()
    {
        var definition = JsonSerializer.Deserialize<WorkflowDefinition>(
            """{"name":"w","tasks":[null,{"agent_type":"coding","id":null},{"agent_type":"coding","id":"a","depends_on":[null]}]}""", ConductorJson.Options)!;

        var error = await RefusedAsync(definition);

        error.Message.Should().ContainAll("Task 1 is null", "Id is empty", "'a': DependsOn");
    }

    private static async Task<WorkflowValidationException> RefusedAsync(WorkflowDefinition definition)
    {
        await using var rig = await Rig.StartAsync();
        return (
            await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(definition).AsTask()).Should().ThrowAsync<WorkflowValidationException>()).Which;
    }
}
