using Conductor.Coordination;
using Conductor.Tests.Support;

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

        (await rig.DriveAsync(FluentActions.Awaiting(() => registration).Should().ThrowAsync<OperationCanceledException>())).Which.CancellationToken.Should().Be(patience.Token);
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
                _starting.SetResult();
                return new ValueTask(start(token));
            },
            OnStop = () =>
            {
                Interlocked.Increment(ref _stopped);
                return default;
            },
        };
        return rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, Id, cancellationToken).AsTask();
    }
}
