using Conductor.Diagnostics;
using Conductor.Messaging;
using Conductor.State;
using Microsoft.Extensions.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>The settings of bus and store reach those that the container makes, where their constructors ask for them.</summary>
public sealed class ProviderSettingsTests
{
    [Fact]
    public async Task UseMessageBus_AClassThatAsksForItsSettings_GetsThoseOfTheOptions()
    {
        await using var conductor = await StartAsync(static builder =>
            builder.Configure(static options => options.Bus.RequestTimeout = TimeSpan.FromSeconds(7)).UseMessageBus<OwnBus>());

        ((OwnBus)conductor.Bus).Settings!.RequestTimeout.Should().Be(TimeSpan.FromSeconds(7));
    }

    [Fact]
    public async Task UseMessageBus_InMemory_HeedsTheOptions()
    {
        await using var conductor = await StartAsync(static builder =>
            builder.Configure(static options => options.Bus.RequestTimeout = TimeSpan.FromMilliseconds(1)).UseMessageBus<InMemoryMessageBus>());
        await using var listening = await conductor.Bus.SubscribeAsync("nobody-answers", static (_, _) => ValueTask.CompletedTask);

        var act = () => conductor.Bus.RequestAsync("nobody-answers", new AgentMessage { Type = MessageType.Control, Sender = "test" })
            .AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        await act.Should().ThrowAsync<BusException>("the default is 30 seconds");
    }

    [Fact]
    public async Task UseStateManager_InMemory_HeedsTheOptions()
    {
        await using var conductor = await StartAsync(static builder => builder
            .Configure(static options => options.Retention.MaxTaskResults = 1)
            .UseStateManager<InMemoryStateManager>()
            .AddAgent<Counter>(Worker));

        await conductor.DispatchTaskAsync(new TaskDefinition { Id = "first", AgentType = Worker });
        await conductor.DispatchTaskAsync(new TaskDefinition { Id = "second", AgentType = Worker });

        (await conductor.State.GetTaskResultAsync("second")).Should().NotBeNull();
        (await conductor.State.GetTaskResultAsync("first")).Should().BeNull("one is kept");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UseMessageBus_SettingsOfOnesOwnInTheContainer_AreThoseItGets(bool isRegisteredBefore)
    {
        var own = new MessageBusOptions();
        await using var conductor = await StartAsync(
            builder =>
            {
                builder.UseMessageBus<OwnBus>();
                if (!isRegisteredBefore)
                {
                    builder.Services.AddSingleton(own);
                }
            },
            services => _ = isRegisteredBefore ? services.AddSingleton(own) : services);

        ((OwnBus)conductor.Bus).Settings.Should().BeSameAs(own);
    }

    private sealed class OwnBus(ConductorEnvironment? environment = null, MessageBusOptions? settings = null) : MessageBus(environment, settings)
    {
        public MessageBusOptions? Settings { get; } = settings;

        protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => default;

        protected override ValueTask PublishCoreAsync(string channel, AgentMessage message, CancellationToken cancellationToken) => default;

        protected override ValueTask SubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;

        protected override ValueTask UnsubscribeCoreAsync(MessageSubscription subscription, CancellationToken cancellationToken) => default;
    }
}
