using Conductor.Coordination;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>The time between an agent that is set aside and the one that takes its place, which may be long.</summary>
public sealed class SuccessorTests
{
    private const string Id = "f";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>What the first agent is stuck in.</summary>
    private readonly TaskCompletionSource _never = new();
    private int _made;
    private int _stopped;

    [Fact]
    public async Task DispatchTaskAsync_TheOnlyAgentIsBeingReplaced_WaitsForItsSuccessor()
    {
        await using var rig = await Rig.StartAsync();
        var start = new TaskCompletionSource();
        await LoseAgentAsync(rig, (_, _) => new ValueTask(start.Task));

        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1 || dispatch.IsCompleted, "it to wait");
        start.SetResult();

        (await dispatch.WaitAsync(_limit)).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task RunWorkflowAsync_TheOnlyAgentIsBeingReplaced_WaitsForItsSuccessor()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new DispatchOptions { WaitLimit = TimeSpan.Zero } });
        var start = new TaskCompletionSource();
        await LoseAgentAsync(rig, (_, _) => new ValueTask(start.Task));

        var run = await rig.Engine.StartWorkflowAsync(
            new WorkflowDefinition { Name = "w", Tasks = [Rig.NewTask() with { Phase = WorkflowPhase.Development }] });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1 || run.Completion.IsCompleted, "its task to wait");
        start.SetResult();

        (await run.Completion.WaitAsync(_limit)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task DispatchTaskAsync_TheOnlyAgentIsBeingReplaced_WaitsUpToItsLimits()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new DispatchOptions { WaitLimit = TimeSpan.FromMinutes(5) } });
        await LoseAgentAsync(rig, static (_, token) => new ValueTask(Task.Delay(Timeout.Infinite, token)));

        var byWaitLimit = rig.DispatchAsync();
        var byDeadline = rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromMinutes(1) });

        (await rig.DriveAsync(FluentActions.Awaiting(() => byDeadline).Should().ThrowAsync<AgentTimeoutException>(), TimeSpan.FromSeconds(5)))
            .Which.Message.Should().Contain("TaskDefinition.Deadline");
        (await rig.DriveAsync(FluentActions.Awaiting(() => byWaitLimit).Should().ThrowAsync<NoAvailableAgentException>(), TimeSpan.FromSeconds(5)))
            .Which.Message.Should().Contain("DispatchOptions.WaitLimit");
    }

    [Fact]
    public async Task Replacement_ItsStartFails_IsTriedAgainLaterAndLater()
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, static (number, _) => number < 10 ? throw new IOException("the model server restarts") : default);
        var dispatch = rig.DispatchAsync();
        var begun = rig.Time.GetUtcNow();

        (await rig.DriveAsync(dispatch, TimeSpan.FromSeconds(1))).IsSuccess.Should().BeTrue();

        _made.Should().Be(10);
        (rig.Time.GetUtcNow() - begun).Should()
            .BeCloseTo(TimeSpan.FromSeconds(1 + 2 + 4 + 8 + 16 + 32 + 60 + 60), TimeSpan.FromSeconds(20), "it waits longer each time, up to a minute");
        rig.Logs.GetSnapshot().Count(static record => record.Id.Id == 1336).Should().Be(8, "each failure is logged");
        rig.Coordinator.AgentIds.Should().Equal(Id);
    }

    [Fact]
    public async Task Replacement_ItsFactoryFails_IsTriedAgain()
    {
        await using var rig = await Rig.StartAsync();
        var made = 0;
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = Id, Type = AgentType.Coding }, () => ++made switch
        {
            1 => new LambdaAgent(async (_, _) => await new TaskCompletionSource<TaskData>().Task),
            2 => throw new IOException("no memory"),
            _ => new LambdaAgent(static _ => "done"),
        });
        await rig.DriveAsync(rig.DispatchAsync(Brief()));

        (await rig.DriveAsync(rig.DispatchAsync(), TimeSpan.FromSeconds(1))).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task GetAgentStatusAsync_BeingReplaced_HasFailed()
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, static (_, token) => new ValueTask(Task.Delay(Timeout.Infinite, token)));
        rig.Time.Advance(TimeSpan.FromSeconds(5));
        await Rig.SettleAsync();

        (await rig.Coordinator.GetAgentStatusAsync(Id))!.Status.Should().Be(AgentStatus.Failed);
    }

    /// <summary>It counts the tasks since then, too: nobody registered it anew.</summary>
    [Fact]
    public async Task GetAgentStatusAsync_Replaced_WasRegisteredWhenItsPredecessorWas()
    {
        await using var rig = await Rig.StartAsync();
        var registeredAt = rig.Time.GetUtcNow();
        await LoseAgentAsync(rig, static (_, _) => default);
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "another to take its place");

        var state = (await rig.Coordinator.GetAgentStatusAsync(Id))!;

        (state.CreatedAt, state.FailedTasks).Should().Be((registeredAt, 1));
        state.UpdatedAt.Should().BeAfter(registeredAt);
    }

    [Fact]
    public async Task UnregisterAgentAsync_ItsReplacementFailsToStart_NothingOfItIsLeft()
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, static (_, _) => throw new IOException("the model server is gone"));
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");

        (await rig.Coordinator.UnregisterAgentAsync(Id).AsTask().WaitAsync(_limit)).Should().BeTrue();

        await FluentActions.Awaiting(() => dispatch.WaitAsync(_limit)).Should().ThrowAsync<NoAvailableAgentException>();
        (await rig.State.GetAgentStateAsync(Id)).Should().BeNull();
        rig.Errors.GetCircuitBreaker(Id).ConsecutiveFailures.Should().Be(0);
        var before = _made;
        rig.Time.Advance(TimeSpan.FromMinutes(2));
        await Rig.SettleAsync();
        _made.Should().Be(before, "it is not tried again");
        await rig.AddAsync(static _ => "done", id: Id);
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStartHookOfItsReplacementHeedsItsToken_WaitsForNothing()
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, static (_, token) => new ValueTask(Task.Delay(Timeout.Infinite, token)));

        (await rig.Coordinator.UnregisterAgentAsync(Id).AsTask().WaitAsync(_limit)).Should().BeTrue();

        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1336, "it did not fail");
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStartHookOfItsReplacementFailsWhenItIsToldToGiveUp_NoOtherIsAnnounced()
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, static async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token).ContinueWith(static _ => { }, TaskScheduler.Default);
            throw new IOException("the connection was closed");
        });

        (await rig.Coordinator.UnregisterAgentAsync(Id).AsTask().WaitAsync(_limit)).Should().BeTrue();

        var failures = rig.Logs.GetSnapshot().Where(static record => record.Exception is IOException).Select(static record => record.Id.Id);
        failures.Should().Equal([1358], "another attempt is neither made nor announced");
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStartHookOfItsReplacementHangs_LeavesItToItselfAfterTheGracePeriod()
    {
        await using var rig = await Rig.StartAsync();
        var start = new TaskCompletionSource();
        await LoseAgentAsync(rig, (_, _) => new ValueTask(start.Task));

        (await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync(Id).AsTask())).Should().BeTrue();

        rig.Logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1348);
        await rig.AddAsync(static _ => "done", id: Id);
        start.SetResult();
        await Rig.UntilAsync(() => _stopped == 1, "it to be stopped when it has started at last");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue("the other one of its id is there");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_AReplacementFailsToStartOrIsStarting_EndsItAtOnce(bool fails)
    {
        await using var rig = await Rig.StartAsync();
        await LoseAgentAsync(rig, (_, token) => fails ? throw new IOException("the model server is gone") : new ValueTask(Task.Delay(Timeout.Infinite, token)));
        await Rig.SettleAsync();

        await rig.Coordinator.StopAsync().AsTask().WaitAsync(_limit);

        (await rig.State.GetAgentStateAsync(Id))!.Status.Should().Be(AgentStatus.Stopped);
        rig.Time.Advance(TimeSpan.FromMinutes(2));
        await Rig.SettleAsync();
        _made.Should().Be(2, "nothing is begun after a stop");
    }

    [Fact]
    public async Task StopAsync_TheStartHookOfAReplacementHangs_IsOverAfterTheGracePeriod()
    {
        await using var rig = await Rig.StartAsync();
        var start = new TaskCompletionSource();
        await LoseAgentAsync(rig, (_, _) => new ValueTask(start.Task));
        var begun = rig.Time.GetUtcNow();

        await rig.DriveAsync(rig.Coordinator.StopAsync().AsTask());

        (rig.Time.GetUtcNow() - begun).Should().BeLessThan(TimeSpan.FromSeconds(6));
        start.SetResult();
        await Rig.UntilAsync(() => _stopped == 1, "it to be stopped when it has started at last");
    }

    private static TaskDefinition Brief() => Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } };

    /// <summary>Registers an agent that is set aside in its first task, and waits until another is being started.</summary>
    private async Task LoseAgentAsync(Rig rig, Func<int, CancellationToken, ValueTask> startOfNext)
    {
        var starting = new TaskCompletionSource();
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = Id, Type = AgentType.Coding }, () =>
        {
            var number = Interlocked.Increment(ref _made);
            return new LambdaAgent(async (_, _) =>
            {
                await (number == 1 ? _never.Task : Task.CompletedTask);
                return TaskData.From(number);
            })
            {
                OnStarting = token =>
                {
                    if (number == 1)
                    {
                        return default;
                    }

                    starting.TrySetResult();
                    return startOfNext(number, token);
                },
                OnStop = () =>
                {
                    Interlocked.Increment(ref _stopped);
                    return default;
                },
            };
        });
        (await rig.DriveAsync(rig.DispatchAsync(Brief()))).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        await rig.DriveAsync(starting.Task);
    }
}
