using Conductor.Agents;
using Conductor.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>What an agent says of itself stands, under the id and the type that it is added with.</summary>
public sealed class AgentIdentityTests
{
    private static readonly AgentIdentity _expected = new()
    {
        Id = "worker-1", Type = Worker, Name = "Bob", Version = "2", Description = "builds",
    };

    [Theory]
    [InlineData(AgentLifetime.PerAgent)]
    [InlineData(AgentLifetime.PerTask)]
    public async Task AddAgent_AClassThatSaysWhoItIs_KeepsIt(AgentLifetime lifetime)
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Named>(Worker, lifetime: lifetime));

        (await conductor.DispatchAsync<AgentIdentity>(Worker)).Should().Be(_expected);
    }

    [Theory]
    [InlineData(AgentLifetime.PerAgent)]
    [InlineData(AgentLifetime.PerTask)]
    public async Task AddAgent_AFactoryWhoseAgentSaysWhoItIs_KeepsIt(AgentLifetime lifetime)
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent(Worker, static _ => new Named(), lifetime: lifetime));

        (await conductor.DispatchAsync<AgentIdentity>(Worker)).Should().Be(_expected);
    }

    [Fact]
    public async Task AddAgent_AgentsThatSayWhoTheyAreAndThatDoNot_AreKnownByIt()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent<Named>(Worker).AddAgent<Counter>(Worker));

        conductor.Coordinator.GetAvailableAgents(Worker).Select(static agent => agent.Identity).Should().BeEquivalentTo(
            [_expected, new AgentIdentity { Id = "worker-2", Type = Worker }]);
    }

    /// <summary>No instance is there to say it before the first task.</summary>
    [Fact]
    public async Task AddAgent_PerTask_IsKnownByWhatItsInstancesSay()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent<Named>(Worker, lifetime: AgentLifetime.PerTask));

        await conductor.DispatchAsync<AgentIdentity>(Worker);

        conductor.Coordinator.GetAvailableAgents(Worker).Should().ContainSingle().Which.Identity.Should().Be(_expected);
    }

    /// <summary>Whoever hands over an identity means that one.</summary>
    [Fact]
    public async Task RegisterAgentAsync_AnIdentityAndAFactory_IsThatIdentity()
    {
        await using var conductor = await StartAsync(static _ => { });
        var identity = new AgentIdentity { Id = "mine", Type = Worker };

        await conductor.Coordinator.RegisterAgentAsync(identity, static () => new Named());

        (await conductor.DispatchAsync<AgentIdentity>(Worker)).Should().Be(identity);
    }

    private sealed class Named() : BaseAgent(new AgentIdentity
    {
        Id = "bob", Type = new AgentType("builder"), Name = "Bob", Version = "2", Description = "builds",
    })
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(Identity));
    }
}
