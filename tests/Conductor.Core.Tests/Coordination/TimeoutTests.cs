using System.Collections.Concurrent;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class TimeoutTests
{
    private static TaskDefinition Quick() => Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = new RetrySettings { MaxRetries = 0 } };

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_AgentTooSlow_IsCancelledAndTimesOutOnTime()
    {
        await using var rig = await Rig.StartAsync();
        var cancelled = false;
        await rig.AddAsync(async (_, token) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cancelled = token.IsCancellationRequested;
            }

            return TaskData.Empty;
        });
        var begun = rig.Time.GetUtcNow();

        var result = await rig.DriveAsync(rig.DispatchAsync(Quick()));

        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, "AGENT_TIMEOUT"));
        result.Error.Message.Should().Contain("TaskDefinition.Timeout");
        (rig.Time.GetUtcNow() - begun).Should().BeLessThan(TimeSpan.FromSeconds(10.6));
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to be free");
        cancelled.Should().BeTrue();
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_AgentTimesOut_IsRetriedPerAttempt()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, token) =>
        {
            if (task.Attempt == 1)
            {
                await Task.Delay(Timeout.Infinite, token);
            }

            return TaskData.From(task.Attempt);
        });

        (await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(3) }))).Attempts.Should().Be(2);
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_AgentIgnoresItsToken_IsSetAsideAndComesBackWhenItReturns()
    {
        await using var rig = await Rig.StartAsync();
        var stubborn = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await stubborn.Task;
            return TaskData.From("late");
        }, id: "a");
        await rig.FollowAsync(Channels.Agent("a"), Channels.Results(rig.Coordinator.Id));

        var result = await rig.DriveAsync(rig.DispatchAsync(Quick()));
        result.Error!.Code.Should().Be("AGENT_TIMEOUT");
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().BeEmpty();
        await Rig.SettleAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(6));
        await Rig.UntilAsync(
            () => rig.Coordinator.GetAgentStatusAsync("a").AsTask().GetAwaiter().GetResult()!.Status == AgentStatus.Failed, "it to be set aside");

        stubborn.SetResult();
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "it to come back");
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1301, "a late result is logged").And.Contain(entry => entry.Id.Id == 1335);
        rig.Messages.Count(entry => entry.Message.Type == MessageType.TaskResult).Should().Be(1);
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_FactoryAgentIgnoresItsToken_IsReplaced()
    {
        await using var rig = await Rig.StartAsync();
        var stubborn = new TaskCompletionSource();
        var made = 0;
        var stopped = new ConcurrentQueue<int>();
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "a", Type = AgentType.Coding }, () =>
        {
            var number = Interlocked.Increment(ref made);
            return new LambdaAgent(async (_, _) =>
            {
                if (number == 1)
                {
                    await stubborn.Task;
                }

                return TaskData.From(number);
            })
            {
                OnStop = () =>
                {
                    stopped.Enqueue(number);
                    return ValueTask.CompletedTask;
                },
            };
        });

        var first = await rig.DriveAsync(rig.DispatchAsync(Quick()));
        var second = await rig.DriveAsync(rig.DispatchAsync());

        first.Error!.Code.Should().Be("AGENT_TIMEOUT");
        second.Output.Get<int>().Should().Be(2);
        second.AgentId.Should().Be("a");
        stopped.Should().BeEmpty();
        stubborn.SetResult();
        await Rig.UntilAsync(() => stopped.Contains(1), "the old one to be stopped");
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_ReplacedAgentWhoseBreakerIsOpen_StaysBrokenOff()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var stubborn = new TaskCompletionSource();
        var made = 0;
        await rig.Coordinator.RegisterAgentAsync(new AgentIdentity { Id = "a", Type = AgentType.Coding }, () =>
        {
            var number = Interlocked.Increment(ref made);
            return new LambdaAgent(async (_, _) =>
            {
                if (number == 1)
                {
                    await stubborn.Task;
                }

                return TaskData.Empty;
            });
        });
        await rig.DriveAsync(rig.DispatchAsync(Quick()));
        await rig.DriveAsync(Rig.UntilAsync(() => made == 2 && rig.Coordinator.AgentIds.Count == 1, "the replacement"));

        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should()
            .ThrowAsync<CircuitOpenException>("the breaker is the agent's, whoever takes its place");

        stubborn.SetResult();
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_CallerCancelsAStubbornAgent_CallerIsFreeAtOnceAndAgentIsSetAside()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var stubborn = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            started.TrySetResult();
            await stubborn.Task;
            return TaskData.Empty;
        }, id: "a");
        await rig.FollowAsync(Channels.Results(rig.Coordinator.Id));
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await started.Task;
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();

        await Rig.SettleAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(6));
        await Rig.UntilAsync(() => rig.Messages.Count == 1, "its one result message");
        ((TaskResultPayload)rig.Messages.Single().Message.Payload!).Result.Status.Should().Be(AgentTaskStatus.Cancelled);
        stubborn.SetResult();
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "it to come back");
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_AgentReturnsAtTheMomentItIsSetAside_IsIdleAndTakesTheNextTask()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = static environment => new RecordingMessageBus(environment) });
        using var cancellation = new CancellationTokenSource();
        var stubborn = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            started.TrySetResult();
            await stubborn.Task;
            return TaskData.Empty;
        }, id: "a");
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await started.Task;
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>();

        // The condition is asked in the middle of setting the agent aside: while the result that takes the place of its own is published.
        var replaced = ((RecordingMessageBus)rig.Bus).WaitForAsync(recorded =>
        {
            var isResult = recorded.Message.Payload is TaskResultPayload;
            if (isResult)
            {
                // On this thread or on another, as the runtime likes: it has returned before the setting aside goes on.
                stubborn.TrySetResult();
                SpinWait.SpinUntil(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, TimeSpan.FromSeconds(20));
            }

            return isResult;
        });
        await Rig.SettleAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(6));
        await replaced;

        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "it to come back");
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status.Should().Be(AgentStatus.Idle);
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        rig.Logs.GetSnapshot().Should().NotContain(static entry => entry.Id.Id == 1335, "it was not set aside after all");
    }

    [Fact]
    public async Task DispatchTaskAsync_ManyTasksOneAfterAnother_NoneIsHitByTheTimerOfAnEarlierOne()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, token) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(task.Input.Get<int>()), rig.Time, token);
            return TaskData.Empty;
        });

        foreach (var seconds in new[] { 9, 8, 7, 9 })
        {
            (await rig.DriveAsync(rig.DispatchAsync(Quick() with { Id = EntityId.New(), Input = TaskData.From(seconds) }))).IsSuccess.Should().BeTrue();
        }

        (await rig.DriveAsync(rig.DispatchAsync(Quick() with { Id = EntityId.New(), Input = TaskData.From(11) }))).Error!.Code.Should().Be("AGENT_TIMEOUT");
        (
            await rig.DriveAsync(
            rig.DispatchAsync(Quick() with { Id = EntityId.New(), Input = TaskData.From(1), Timeout = TimeSpan.FromSeconds(2) }))).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task DispatchTaskAsync_AssignmentLostOnTheWay_TimesOutAllTheSame()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = environment => new TroubledBus(environment) });
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        ((TroubledBus)rig.Bus).Loses = message => message.Type == MessageType.TaskAssignment;

        (await rig.DriveAsync(rig.DispatchAsync(Quick()))).Error!.Code.Should().Be("AGENT_TIMEOUT");
        ((TroubledBus)rig.Bus).Loses = _ => false;
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue("the agent is free again");
    }

    [Fact]
    public async Task DispatchTaskAsync_ResultLostOnTheWay_TimesOutAllTheSame()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = environment => new TroubledBus(environment) });
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        ((TroubledBus)rig.Bus).Loses = message => message.Type == MessageType.TaskResult;

        (await rig.DriveAsync(rig.DispatchAsync(Quick()))).Error!.Code.Should().Be("AGENT_TIMEOUT");
        ((TroubledBus)rig.Bus).Loses = _ => false;
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue("the agent is free again");
    }

    [Fact]
    public async Task DispatchTaskAsync_BusDisconnectedMeanwhile_FailsWithItsCode()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            started.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync();
        await started.Task;
        await rig.Bus.DisconnectAsync();

        (await dispatch).Error!.Code.Should().Be("BUS_DISCONNECTED");
        release.SetResult();
    }
}
