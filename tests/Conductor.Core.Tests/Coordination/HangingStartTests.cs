using Conductor.Coordination;
using Conductor.Diagnostics;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Coordination;

/// <summary>A start hook does not end, and whoever waits for it gives up, or the coordinator stops.</summary>
public sealed class HangingStartTests
{
    private const string Id = "a";
    private readonly TaskCompletionSource _starting = new();
    private readonly TaskCompletionSource _end = new();
    private int _stopped;

    [Fact]
    public async Task RegisterAgentAsync_GivenUp_WaitsForTheGracePeriodAndFreesTheId()
    {
        await using var rig = await Rig.StartAsync();
        using var patience = new CancellationTokenSource();
        var registration = RegisterAsync(rig, _ => _end.Task, patience.Token);
        await _starting.Task;

        await patience.CancelAsync();
        await Rig.SettleAsync();
        registration.IsCompleted.Should().BeFalse("the hook may heed its token yet");

        (await rig.DriveAsync(FluentActions.Awaiting(() => registration).Should().ThrowAsync<OperationCanceledException>())).Which.CancellationToken
            .Should().Be(patience.Token);
        Logged(rig, 1348).Should().Be(1);
        await rig.AddAsync(static _ => "other", id: Id);
        _end.SetResult();
        await Rig.UntilAsync(() => _stopped == 1, "it to be stopped when it has started at last");
        (await rig.Coordinator.DispatchAsync<string>(AgentType.Coding)).Should().Be("other");
    }

    [Fact]
    public async Task RegisterAgentAsync_GivenUpAndTheHookFailsLater_IsLogged()
    {
        await using var rig = await Rig.StartAsync();
        using var patience = new CancellationTokenSource();
        var registration = RegisterAsync(rig, _ => _end.Task, patience.Token);
        await _starting.Task;
        await patience.CancelAsync();
        await rig.DriveAsync(FluentActions.Awaiting(() => registration).Should().ThrowAsync<OperationCanceledException>());

        _end.SetException(new IOException("late"));

        await Rig.UntilAsync(() => Logged(rig, 1358) == 1, "the failure to be logged");
        _stopped.Should().Be(0, "it never started");
    }

    /// <summary>The stop itself waits for no start; whoever registers hears of it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_AnAgentStarts_GivesItUp(bool heedsToken)
    {
        await using var rig = await Rig.StartAsync();
        var registration = RegisterAsync(rig, token => heedsToken ? Task.Delay(Timeout.InfiniteTimeSpan, token) : _end.Task);
        await _starting.Task;

        await rig.Coordinator.StopAsync();

        await rig.DriveAsync(FluentActions.Awaiting(() => registration).Should().ThrowAsync<InvalidOperationException>().WithMessage("*stopped*"));
        rig.Coordinator.AgentIds.Should().BeEmpty();
        _end.SetResult();
        await Rig.UntilAsync(() => heedsToken || _stopped == 1, "it to be stopped when it has started at last");
    }

    /// <summary>Loading a model may take its time, and its thread.</summary>
    [Fact]
    public async Task RegisterAgentAsync_TheHookBlocksItsThread_CanBeGivenUpAllTheSame()
    {
        await using var rig = await Rig.StartAsync();
        using var patience = new CancellationTokenSource();
        using var end = new ManualResetEventSlim();
        var registration = rig.Coordinator.RegisterAgentAsync(
            new LambdaAgent(static _ => TaskData.Empty)
            {
                OnStart = () =>
                {
                    _starting.SetResult();
                    end.Wait();
                    return default;
                },
            },
            AgentType.Coding,
            Id,
            patience.Token).AsTask();
        await _starting.Task;

        await patience.CancelAsync();

        await rig.DriveAsync(FluentActions.Awaiting(() => registration).Should().ThrowAsync<OperationCanceledException>());
        end.Set();
    }

    [Fact]
    public async Task StartAsync_TheStoreDoesNotConnect_CanBeGivenUpAndStopped()
    {
        var time = new FakeTimeProvider();
        var environment = new ConductorEnvironment(time);
        await using var bus = new InMemoryMessageBus(environment);
        await using var store = new SlowConnect(_end.Task);
        var errors = new ErrorHandler(bus, store, environment: environment);
        await using var coordinator = new AgentCoordinator(bus, store, new PolicyEngine(environment), errors, environment: environment);
        var start = coordinator.StartAsync().AsTask();

        var stop = coordinator.StopAsync().AsTask();
        while (!stop.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await FluentActions.Awaiting(() => start).Should().ThrowAsync<InvalidOperationException>().WithMessage("*stopped*");
        await stop;
        _end.SetResult();
    }

    [Fact]
    public async Task StopAsync_WhatAStartHookRegisteredThrows_IsLoggedAndEndsNothing()
    {
        await using var rig = await Rig.StartAsync();
        var registration = RegisterAsync(rig, token =>
        {
            token.Register(static () => throw new InvalidOperationException("callback"));
            return _end.Task;
        });
        await _starting.Task;

        await rig.Coordinator.StopAsync();

        await Rig.UntilAsync(() => Logged(rig, 1359) == 1, "the failure to be logged");
        _end.SetResult();
        await FluentActions.Awaiting(() => registration).Should().ThrowAsync<InvalidOperationException>();
    }

    private static int Logged(Rig rig, int id) => rig.Logs.GetSnapshot().Count(entry => entry.Id.Id == id);

    private Task RegisterAsync(Rig rig, Func<CancellationToken, Task> start, CancellationToken cancellationToken = default)
    {
        var agent = new LambdaAgent(static _ => TaskData.Empty)
        {
            OnStarting = token =>
            {
                var started = start(token);
                _starting.SetResult();
                return new ValueTask(started);
            },
            OnStop = () =>
            {
                Interlocked.Increment(ref _stopped);
                return default;
            },
        };
        return rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, Id, cancellationToken).AsTask();
    }

    private sealed class SlowConnect(Task end) : DelegatingStateManager(new InMemoryStateManager())
    {
        protected override async ValueTask ConnectCoreAsync(CancellationToken cancellationToken)
        {
            await end;
            await base.ConnectCoreAsync(CancellationToken.None);
        }
    }
}
