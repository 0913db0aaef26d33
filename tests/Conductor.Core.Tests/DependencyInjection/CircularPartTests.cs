using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.DependencyInjection;

/// <summary>
/// A part that asks, as it is made, for what it is a part of. The container sees no circle where a factory is on the way, and would wait for itself for ever,
/// without a word.
/// </summary>
public sealed class CircularPartTests
{
    /// <summary>Far more than it takes, and less than for ever.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    [Fact]
    public Task StartConductorAsync_PolicyAsksForTheCoordinator_SaysSo() => IsRefusedAsync(
        static builder => builder.AddPolicy<AskingPolicy<AgentCoordinator>>(), "PolicyEngine → AgentCoordinator → PolicyEngine");

    [Fact]
    public Task StartConductorAsync_PolicyAsksForTheRuntime_SaysSo() => IsRefusedAsync(
        static builder => builder.AddPolicy<AskingPolicy<ConductorRuntime>>(), "PolicyEngine → PolicyEngine");

    [Fact]
    public Task StartConductorAsync_ClassifierAsksForTheEnvironment_SaysSo() => IsRefusedAsync(
        static builder => builder.UseErrorClassifier<AskingClassifier>(), "ConductorEnvironment → ConductorEnvironment");

    [Fact]
    public Task StartConductorAsync_FactoriesOfBusAndStoreAskForEachOther_SaysSo() => IsRefusedAsync(
        static builder => builder
            .UseMessageBus(static provider => { provider.GetRequiredService<StateManager>(); return new InMemoryMessageBus(); })
            .UseStateManager(static provider => { provider.GetRequiredService<MessageBus>(); return new InMemoryStateManager(); }),
        "StateManager → MessageBus");

    /// <summary>What the message says to do.</summary>
    [Fact]
    public async Task StartConductorAsync_PolicyAsksWhenItIsAsked_IsFine()
    {
        await using var provider = new ServiceCollection().AddConductor().AddPolicy<LatePolicy>()
            .AddAgent("counter", static (_, _) => Task.FromResult(1)).Services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();

        (await conductor.DispatchAsync<int>(new AgentType("counter"))).Should().Be(1);
    }

    /// <summary>What failed once can be asked for again, and says the same.</summary>
    [Fact]
    public async Task GetService_AskedAgain_SaysTheSame()
    {
        await using var provider = new ServiceCollection().AddConductor().AddPolicy<AskingPolicy<AgentCoordinator>>().Services.BuildServiceProvider();
        var asked = () => Task.Run(() => provider.GetRequiredService<PolicyEngine>()).WaitAsync(_patience);

        var first = (await asked.Should().ThrowAsync<InvalidOperationException>()).Which.Message;
        var second = (await asked.Should().ThrowAsync<InvalidOperationException>()).Which.Message;

        second.Should().Be(first).And.Contain("PolicyEngine → AgentCoordinator → PolicyEngine");
    }

    private static async Task IsRefusedAsync(Action<ConductorBuilder> build, string circle)
    {
        var builder = new ServiceCollection().AddConductor();
        build(builder);
        var provider = builder.Services.BuildServiceProvider();

        // On a thread of its own: what waits for itself would take this one with it.
        var start = () => Task.Run(() => provider.StartConductorAsync()).WaitAsync(_patience);

        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain(circle).And.Contain(nameof(IServiceProvider));
        await provider.DisposeAsync();
    }

    private sealed class AskingPolicy<T>(T asked) : Policy<DispatchPolicyContext>
    {
        public override string Name => "asking";

        public override string Description => "Asks as it is made.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(asked is null ? Denied("nothing") : Allowed);
    }

    private sealed class LatePolicy(IServiceProvider services) : Policy<DispatchPolicyContext>
    {
        public override string Name => "late";

        public override string Description => "Asks when it is asked.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(services.GetRequiredService<AgentCoordinator>().WaitingTasks > 100 ? Denied("too many") : Allowed);
    }

    private sealed class AskingClassifier(ConductorEnvironment environment) : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => environment.RecordSensitiveData ? null : null;
    }
}
