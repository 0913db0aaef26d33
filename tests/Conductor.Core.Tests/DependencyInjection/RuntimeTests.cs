using Conductor.Agents;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>Everything of a container, started and stopped together.</summary>
public sealed class RuntimeTests
{
    [Fact]
    public async Task StopAsync_WhatAHandlerRegisteredOnItsTokenFails_StopsTheRest()
    {
        await using var conductor = await StartAsync(_ => { });
        var (handled, never) = (new TaskCompletionSource(), new TaskCompletionSource());
        await conductor.Bus.SubscribeAsync("channel", async (_, token) =>
        {
            token.Register(static () => throw new InvalidOperationException("the handler's own callback"));
            handled.SetResult();
            await never.Task.WaitAsync(token);
        });
        await conductor.Bus.PublishAsync("channel", new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await handled.Task;

        await conductor.StopAsync();

        (conductor.Bus.IsConnected, conductor.State.IsConnected).Should().Be((false, false));
    }

    [Fact]
    public async Task StartConductorAsync_AgentsStartHookFails_LeavesNothingRunning()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<Counter>(Worker).AddAgent<BadStart>(Worker);
        await using var provider = services.BuildServiceProvider();

        await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("no key");

        provider.GetRequiredService<AgentCoordinator>().AgentIds.Should().BeEmpty();
        provider.GetRequiredService<MessageBus>().IsConnected.Should().BeFalse();
    }

    [Fact]
    public async Task StartConductorAsync_AfterAStartThatFailed_SaysWhyThatFailed()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<BadStart>(Worker);
        await using var provider = services.BuildServiceProvider();
        await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>();

        var again = await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>()
            .WithMessage("*no key*new container*");

        again.Which.InnerException!.Message.Should().Be("no key");
    }

    /// <summary>What goes wrong on the way out must not hide why there was no way in.</summary>
    [Fact]
    public async Task StartConductorAsync_StartAndTheStopAfterItFail_ThrowsWhatFailedFirst()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<BadStart>(Worker).UseStateManager(static _ => new BadDisconnect());
        await using var provider = services.BuildServiceProvider();

        await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("no key");
    }

    [Fact]
    public async Task StopAsync_AStepFails_IsStoppedAllTheSame()
    {
        var services = new ServiceCollection();
        services.AddConductor().UseStateManager(static _ => new BadDisconnect());
        var conductor = await services.BuildServiceProvider().StartConductorAsync();

        await FluentActions.Awaiting(() => conductor.StopAsync()).Should().ThrowAsync<IOException>();

        await FluentActions.Awaiting(() => conductor.StartAsync()).Should().ThrowAsync<ObjectDisposedException>().WithMessage("*was stopped*new container*");
        await conductor.StopAsync();
    }

    /// <summary>A container that a disposal ends with an exception disposes nothing more, then or later.</summary>
    [Fact]
    public async Task DisposeAsync_OfTheContainerWhenAStepFails_DisposesTheRest()
    {
        var logs = new FakeLogCollector();
        var services = new ServiceCollection().AddSingleton<Resource>().AddSingleton<ILoggerFactory>(new FakeLoggerFactory(logs));
        services.AddConductor().UseStateManager(static _ => new BadDisconnect()).AddAgent<Counter>(Worker);
        var provider = services.BuildServiceProvider();
        var resource = provider.GetRequiredService<Resource>();
        var conductor = await provider.StartConductorAsync();

        await provider.DisposeAsync();

        (resource.IsDisposed, conductor.Bus.IsConnected).Should().Be((true, false));
        logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1002, "nothing fails silently")
            .Which.Exception!.Message.Should().Be("the disk is gone");
    }

    [Fact]
    public async Task DisposeAsync_OfTheRuntimeWhenAStepFails_ThrowsToWhoeverCallsIt()
    {
        var services = new ServiceCollection();
        services.AddConductor().UseStateManager(static _ => new BadDisconnect());
        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();

        await FluentActions.Awaiting(() => conductor.DisposeAsync().AsTask()).Should().ThrowAsync<IOException>();
    }

    /// <summary>Its hook waits for what does not come. It is told when the stop can wait no longer, and is left to itself when it does not listen.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_StopHookDoesNotEnd_IsWaitedForOnlyAsLongAsItMay(bool heedsToken)
    {
        var time = new FakeTimeProvider();
        var hook = new SlowStop(heedsToken);
        await using var conductor = await StartAsync(builder => builder.AddAgent(Worker, _ => hook), services => services.AddSingleton<TimeProvider>(time));
        var stop = conductor.StopAsync(new CancellationToken(canceled: true));
        await hook.Begun;
        stop.IsCompleted.Should().BeFalse("the hook has the grace period");

        time.Advance(TimeSpan.FromSeconds(6));

        await stop.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>Stopped before it has started: by a host that is told to stop meanwhile, or by the hook itself.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_AnAgentStarts_GivesTheStartUp(bool byTheHook)
    {
        var (starting, never) = (new TaskCompletionSource(), new TaskCompletionSource());
        var services = new ServiceCollection();
        var time = new FakeTimeProvider();
        services.AddSingleton<TimeProvider>(time);
        services.AddConductor().AddAgent<Counter>(Worker).AddAgent(Worker, provider => new SlowStart(async token =>
        {
            starting.SetResult();
            await (byTheHook ? provider.GetRequiredService<ConductorRuntime>().StopAsync(token) : never.Task);
        }));
        await using var provider = services.BuildServiceProvider();
        var conductor = provider.GetRequiredService<ConductorRuntime>();
        var start = conductor.StartAsync();
        await starting.Task;

        var stop = conductor.StopAsync(CancellationToken.None);
        while (!start.IsCompleted || !stop.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await stop;
        await FluentActions.Awaiting(() => start).Should().ThrowAsync<ObjectDisposedException>().WithMessage("*was stopped*new container*");
        (conductor.Bus.IsConnected, conductor.Coordinator.AgentIds.Count).Should().Be((false, 0));
    }

    [Fact]
    public async Task Host_StartAndStop_RunsEverythingWithinIt()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddConductor().AddAgent<Counter>(Worker);
        using var host = builder.Build();
        await host.StartAsync();
        var coordinator = host.Services.GetRequiredService<AgentCoordinator>();
        (await coordinator.DispatchAsync<int>(Worker)).Should().Be(1);
        await host.StopAsync();

        coordinator.IsStarted.Should().BeFalse();
    }

    [Fact]
    public async Task SeveralProviders_InOneProcess_DoNotMeet()
    {
        var runtimes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync(builder => builder.AddAgent<Counter>(Worker))));

        foreach (var runtime in runtimes)
        {
            (await runtime.DispatchAsync<int>(Worker)).Should().Be(1);
            await runtime.DisposeAsync();
        }
    }

    private sealed class SlowStop(bool heedsToken) : BaseAgent
    {
        private readonly TaskCompletionSource _begun = new();

        public Task Begun => _begun.Task;

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);

        protected override async ValueTask OnStopAsync(CancellationToken cancellationToken)
        {
            _begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, heedsToken ? cancellationToken : CancellationToken.None);
        }
    }

    private sealed class SlowStart(Func<CancellationToken, Task> start) : BaseAgent
    {
        protected override ValueTask OnStartAsync(CancellationToken cancellationToken) => new(start(cancellationToken));

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }

    private sealed class Resource : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class BadDisconnect() : DelegatingStateManager(new InMemoryStateManager())
    {
        protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => throw new IOException("the disk is gone");
    }

    private sealed class BadStart : BaseAgent
    {
        protected override ValueTask OnStartAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("no key");

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }
}
