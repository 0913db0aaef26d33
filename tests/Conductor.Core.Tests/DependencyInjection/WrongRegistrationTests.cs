using Conductor.Agents;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>What is registered wrongly is told by its own names, and as early as it can be seen.</summary>
public sealed class WrongRegistrationTests
{
    [Fact]
    public async Task StartConductorAsync_WithoutAddConductor_SaysWhatToCall()
    {
        await using var provider = new ServiceCollection().BuildServiceProvider();

        await provider.Invoking(static services => services.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>()
            .WithMessage("*Call services.AddConductor()*");
    }

    [Fact]
    public async Task StartConductorAsync_FactoryThatGivesNull_NamesTheMethodThatItWasGivenTo()
    {
        await GivesNullAsync(static builder => builder.UseMessageBus(static _ => null!), nameof(ConductorBuilder.UseMessageBus));
        await GivesNullAsync(static builder => builder.UseStateManager(static _ => null!), nameof(ConductorBuilder.UseStateManager));
        await GivesNullAsync(static builder => builder.UseErrorClassifier(static _ => null!), nameof(ConductorBuilder.UseErrorClassifier));

        static async Task GivesNullAsync(Action<ConductorBuilder> build, string method) =>
            await FluentActions.Awaiting(() => StartAsync(build)).Should().ThrowAsync<InvalidOperationException>()
                .WithMessage($"The factory given to {method} gave null.*");
    }

    [Fact]
    public void Use_NoFactory_NamesItsOwnParameter()
    {
        var builder = new ServiceCollection().AddConductor();

        builder.Invoking(static to => to.UseMessageBus(null!)).Should().Throw<ArgumentNullException>().WithParameterName("factory");
        builder.Invoking(static to => to.UseStateManager(null!)).Should().Throw<ArgumentNullException>().WithParameterName("factory");
        builder.Invoking(static to => to.UseErrorClassifier(null!)).Should().Throw<ArgumentNullException>().WithParameterName("factory");
    }

    [Fact]
    public void AddAgent_AbstractClass_IsRefusedByItsName()
    {
        var builder = new ServiceCollection().AddConductor();

        builder.Invoking(static to => to.AddAgent<BaseAgent>("x")).Should().Throw<ArgumentException>()
            .WithMessage("Conductor.Agents.BaseAgent is abstract, and no agent can be made of it. Name a class that derives from it*");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void AddAgent_BlankId_IsRefusedAtTheCall(string agentId)
    {
        var builder = new ServiceCollection().AddConductor();

        builder.Invoking(to => to.AddAgent<Counter>(Worker, agentId: agentId)).Should().Throw<ArgumentException>().WithParameterName(nameof(agentId));
        builder.Invoking(to => to.AddAgent(Worker, static _ => new Counter(), agentId: agentId)).Should().Throw<ArgumentException>()
            .WithParameterName(nameof(agentId));
        builder.Invoking(to => to.AddAgent(Worker, static (TaskContext _, CancellationToken _) => ValueTask.FromResult(1), agentId: agentId))
            .Should().Throw<ArgumentException>().WithParameterName(nameof(agentId));
    }

    [Fact]
    public void AddAgent_UndefinedLifetime_IsRefusedWithTheOnesThereAre()
    {
        var builder = new ServiceCollection().AddConductor();

        builder.Invoking(static to => to.AddAgent<Counter>(Worker, lifetime: (AgentLifetime)9)).Should().Throw<ArgumentException>()
            .WithParameterName("lifetime").WithMessage("lifetime is 9; use one of Auto, PerAgent, PerTask.*");
        builder.Invoking(static to => to.AddAgent(Worker, static _ => new Counter(), lifetime: (AgentLifetime)9)).Should().Throw<ArgumentException>()
            .WithParameterName("lifetime");
    }
}
