using Conductor.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Hall;

/// <summary><c>default</c> is refused at every boundary.</summary>
public sealed class DefaultNameBoundaryTests
{
    [Fact]
    public void AddAgent_NoType_IsRefused()
    {
        var act = () => new ServiceCollection().AddConductor().AddAgent(default, _ => new ScriptedAgent());

        act.Should().Throw<NoAgentTypeException>().Which.ErrorCode.Should().Be(ErrorCodes.NoAgentType);
    }

    [Fact]
    public async Task DispatchTaskAsync_NoType_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();

        var act = () => host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = default }).AsTask();

        (await act.Should().ThrowAsync<ConductorException>()).Which.ErrorCode.Should().Be(ErrorCodes.NoAgentType);
    }

    [Fact]
    public async Task RegisterAgentAsync_NoType_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();

        var act = () => host.Coordinator.RegisterAgentAsync(new ScriptedAgent(), default, "a").AsTask();

        (await act.Should().ThrowAsync<ConductorException>()).Which.ErrorCode.Should().Be(ErrorCodes.NoAgentType);
        host.Coordinator.AgentIds.Should().BeEmpty();
    }

    [Fact]
    public async Task RunWorkflowAsync_TaskWithoutType_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();
        var definition = new WorkflowDefinition
        {
            Name = "w",
            Tasks = [new TaskDefinition { Id = "nameless", AgentType = default, Phase = WorkflowPhase.Development }],
        };

        var act = () => host.Workflows.RunWorkflowAsync(definition).AsTask();

        (await act.Should().ThrowAsync<ConductorException>()).WithMessage("*nameless*");
    }

    [Fact]
    public async Task RunWorkflowAsync_NamelessPhase_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();
        var definition = new WorkflowDefinition
        {
            Name = "w",
            Phases = [default(WorkflowPhase)],
            Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Phase = default(WorkflowPhase) }],
        };

        var act = () => host.Workflows.RunWorkflowAsync(definition).AsTask();

        await act.Should().ThrowAsync<ConductorException>();
    }

    [Fact]
    public async Task GetAvailableAgents_NoType_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();

        var act = () => host.Coordinator.GetAvailableAgents(default);

        act.Should().Throw<NoAgentTypeException>().WithMessage("*new AgentType(*");
    }

    [Fact]
    public async Task SaveAgentStateAsync_NoType_IsRefused()
    {
        await using var host = await ConductorTestHost.StartAsync();

        var act = () => host.State.SaveAgentStateAsync(new AgentState { AgentId = "a", AgentType = default }).AsTask();

        (await act.Should().ThrowAsync<NoAgentTypeException>()).WithMessage("*'a'*AgentState.AgentType*");
        (await host.State.GetAgentStateAsync("a")).Should().BeNull();
    }

    [Fact]
    public void ChannelsPhase_NamelessPhase_IsRefused() =>
        FluentActions.Invoking(() => Conductor.Messaging.Channels.Phase(default)).Should().Throw<ArgumentException>().WithMessage("*new WorkflowPhase(*");

    [Fact]
    public void WorkflowDefinitionBuilder_NamelessPhase_IsRefused()
    {
        var builder = WorkflowDefinition.Create("w");

        builder.Invoking(it => it.Phase(default, _ => { })).Should().Throw<ArgumentException>().WithMessage("*new WorkflowPhase(*");
        builder.Invoking(it => it.Feedback(default, WorkflowPhase.Development)).Should().Throw<ArgumentException>().WithParameterName("from");
        builder.Invoking(it => it.Feedback(WorkflowPhase.Monitoring, default)).Should().Throw<ArgumentException>().WithParameterName("to");
    }

    [Fact]
    public void PhaseBuilder_TaskWithoutType_IsRefused() => WorkflowDefinition.Create("w")
        .Invoking(it => it.Phase(WorkflowPhase.Development, phase => phase.Task("t", default))).Should().Throw<NoAgentTypeException>().WithMessage("*'t'*");
}
