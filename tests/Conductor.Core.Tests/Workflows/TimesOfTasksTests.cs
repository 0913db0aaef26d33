using Conductor.Policies;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Time limits of tasks, as a run sees them.</summary>
public sealed class TimesOfTasksTests
{
    private static WorkflowDefinition Of(params TaskDefinition[] tasks) => new() { Name = "times", Tasks = tasks };

    private static TaskDefinition Coding(string id) => new() { Id = id, AgentType = AgentType.Coding };

    [Theory]
    [InlineData(1, AgentTaskStatus.Completed)]
    [InlineData(2, AgentTaskStatus.Failed)]
    public async Task Deadline_TaskWaitsForThoseBeforeIt_CountsFromItsHandOver(int window, AgentTaskStatus expected)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Workflows = new WorkflowOptions { TaskWindow = window } });
        await rig.AddAsync(async (task, token) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), task.TimeProvider, token);
            return TaskData.Empty;
        });
        var definition = Of(Coding("first"), Coding("second") with { Deadline = TimeSpan.FromSeconds(15) });

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask());

        state.TaskResults["second"].Status.Should().Be(expected);
    }

    [Fact]
    public async Task Timeout_NotSet_IsAsGoodAsTheDefault()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new TaskTimeoutPolicy(TimeSpan.FromSeconds(5), TimeSpan.FromHours(1))] });
        await rig.AddAsync(StoreTrouble.Stuck);
        var options = new WorkflowRunOptions { RunId = "run" };
        await using var run = await rig.Engine.StartWorkflowAsync(Of(Coding("task")), options);

        await using var same = await rig.Engine.StartWorkflowAsync(Of(Coding("task") with { Timeout = TaskDefinition.DefaultTimeout }), options);
        var other = () => rig.Engine.StartWorkflowAsync(Of(Coding("task") with { Timeout = TimeSpan.FromSeconds(121) }), options).AsTask();

        same.RunId.Should().Be(run.RunId);
        (await other.Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should().Contain("task 'task' timeout: 00:02:00 → 00:02:01");
    }
}
