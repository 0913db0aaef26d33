using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Hall;

/// <summary>Half of a surrogate pair cannot be written down: in a store all such ids would be one. They are refused where they come in, by name.</summary>
public sealed class IdTextTests
{
    /// <summary>Not in attributes, which are written as UTF-8.</summary>
    private const string Half = "id-\ud800";

    private static async Task RefusedAsync<TException>(Func<Task> act, string what)
        where TException : Exception =>
        (await act.Should().ThrowAsync<TException>()).Which.Message.Should().Contain(what).And.Contain("half of a surrogate pair").And.Contain("U+D800 at 3");

    [Fact]
    public void IsWellFormed_WholeCharacters_Yes()
    {
        IdText.IsWellFormed("plain").Should().BeTrue();
        IdText.IsWellFormed("ünï/çø'\"\n\0dé🙂🙂").Should().BeTrue();
        IdText.IsWellFormed("\ue000\ud7ff").Should().BeTrue();
        IdText.IsWellFormed(null).Should().BeTrue();
    }

    [Fact]
    public void IsWellFormed_HalfOfAPair_No()
    {
        IdText.IsWellFormed("\ud83d").Should().BeFalse();
        IdText.IsWellFormed("\ude42").Should().BeFalse();
        IdText.IsWellFormed("🙂\ud83d").Should().BeFalse();
        IdText.IsWellFormed("🙂\ude42🙂").Should().BeFalse();
        IdText.IsWellFormed("\ude42\ud83d").Should().BeFalse();
        IdText.IsWellFormed("\ud83d\ud83d\ude42").Should().BeFalse();
    }

    [Fact]
    public async Task DispatchTaskAsync_IdOrKeyWithHalfAPair_IsRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        await RefusedAsync<TaskValidationException>(() => rig.DispatchAsync(new TaskDefinition { Id = Half, AgentType = AgentType.Coding }), "Id ");
        await RefusedAsync<TaskValidationException>(
            () => rig.DispatchAsync(new TaskDefinition { IdempotencyKey = Half, AgentType = AgentType.Coding }), "IdempotencyKey ");
        (await rig.DispatchAsync(new TaskDefinition { Id = "🙂", AgentType = AgentType.Coding })).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task StartWorkflowAsync_IdsWithHalfAPair_AreRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        var task = Rig.NewTask() with { Id = "t" };
        var definition = new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development], Tasks = [task] };
        await RefusedAsync<ArgumentException>(() => StartAsync(definition, Half), "The run's id (WorkflowRunOptions.RunId)");
        await RefusedAsync<WorkflowValidationException>(() => StartAsync(definition with { Tasks = [task with { Id = Half }] }), "Id ");
        await RefusedAsync<WorkflowValidationException>(() => StartAsync(definition with { Name = Half }), "The definition's name");
        await RefusedAsync<WorkflowValidationException>(() => StartAsync(definition with { Version = Half }), "The definition's version");
        (await rig.Engine.ListRunsAsync()).Items.Should().BeEmpty();

        Task StartAsync(WorkflowDefinition of, string? runId = null) => rig.Engine.StartWorkflowAsync(of, new WorkflowRunOptions { RunId = runId }).AsTask();
    }

    [Fact]
    public async Task StartWorkflowAsync_EmptyRunId_IsRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        var definition = new WorkflowDefinition { Name = "w" };
        foreach (var id in new[] { string.Empty, " " })
        {
            var act = async () => await rig.Engine.StartWorkflowAsync(definition, new WorkflowRunOptions { RunId = id });
            (await act.Should().ThrowAsync<ArgumentException>()).Which.Message.Should().StartWith("The run's id (WorkflowRunOptions.RunId) is empty");
        }
    }

    [Fact]
    public async Task RegisterAgentAsync_IdThatIsNone_IsRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        await RefusedAsync<ArgumentException>(() => rig.AddAsync(static _ => TaskData.Empty, id: Half), "The agent's id (AgentIdentity.Id)");
        var act = () => rig.AddAsync(static _ => TaskData.Empty, id: string.Empty);
        (await act.Should().ThrowAsync<ArgumentException>()).Which.Message.Should().StartWith("The agent's id (AgentIdentity.Id) is empty");
        rig.Coordinator.AgentIds.Should().BeEmpty();
    }

    [Fact]
    public async Task OnceAsync_KeyWithHalfAPair_IsRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, _) =>
        {
            await RefusedAsync<ArgumentException>(() => task.OnceAsync(Half, static _ => Task.FromResult(1)).AsTask(), "key");
            return TaskData.Empty;
        });
        (await rig.DispatchAsync()).EnsureSucceeded();
    }

    [Fact]
    public async Task Store_KeysWithHalfAPair_AreRefusedByName()
    {
        await using var rig = await Rig.StartAsync();
        var letter = new ErrorRecord { Id = Half, Code = "X", Message = "x", Timestamp = default };
        var state = new WorkflowState { WorkflowId = Half, DefinitionName = "w", Status = WorkflowStatus.Completed };
        await RefusedAsync<ArgumentException>(() => rig.State.SaveDeadLetterAsync(letter).AsTask(), "record.Id");
        await RefusedAsync<ArgumentException>(
            () => rig.State.SaveTaskResultAsync(new TaskResult { TaskId = Half, Status = AgentTaskStatus.Completed }).AsTask(), "result.TaskId");
        await RefusedAsync<ArgumentException>(() => rig.State.SaveWorkflowStateAsync(state, StateExpectation.Any).AsTask(), "state.WorkflowId");
        await RefusedAsync<ArgumentException>(() => rig.State.GetWorkflowStateAsync(Half).AsTask(), "workflowId");
        await RefusedAsync<ArgumentException>(() => rig.State.Leases.TryAcquireAsync(Half, "owner", TimeSpan.FromSeconds(1)).AsTask(), "name");
        await RefusedAsync<ArgumentException>(() => rig.State.Effects.RecordAsync(new EffectKey(Half, "k", "n"), "value").AsTask(), "key.Scope");
    }
}
