using Conductor.Agents;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Attempts that are ended by a clock: which one it was, who is to blame, and how long they took.</summary>
public sealed class DeadlineTests
{
    private static readonly RetrySettings _once = new() { MaxRetries = 0 };

    [Fact]
    public async Task DispatchTaskAsync_DeadlineEndsTheAttempt_SaysSoAndBlamesNobody()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.AddAsync(HangAsync, id: "a");

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(5), Retry = _once }));

        (result.Status, result.Error!.Code, result.Duration).Should().Be((AgentTaskStatus.Failed, ErrorCodes.AgentTimeout, TimeSpan.FromSeconds(5)));
        result.Error.Message.Should().Contain("TaskDefinition.Deadline").And.Contain("00:00:05").And.NotContain("TaskDefinition.Timeout");
        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0, "the caller had no more time than that");
        var state = (await rig.Coordinator.GetAgentStatusAsync("a"))!;
        (state.FailedTasks, state.ErrorCount).Should().Be((0, 0));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle("the task failed all the same").Which.Context.Should().ContainKey("agent_id");
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to be free");
    }

    [Theory]
    [InlineData(null)]
    [InlineData(60)]
    [InlineData(5)]
    public async Task DispatchTaskAsync_TimeLimitEndsTheAttempt_SaysSoAndTheAgentIsBlamed(int? deadline)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(HangAsync, id: "a");
        var task = Rig.NewTask()
            with { Timeout = TimeSpan.FromSeconds(5), Deadline = deadline is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Retry = _once };

        var result = await rig.DriveAsync(rig.DispatchAsync(task));

        result.Error!.Message.Should().Contain("TaskDefinition.Timeout").And.NotContain("TaskDefinition.Deadline");
        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(1);
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.FailedTasks.Should().Be(1);
    }

    /// <summary>The agent gives up by itself, with a failure of its own, before the deadline does it.</summary>
    [Fact]
    public async Task DispatchTaskAsync_AgentTimesOutByItselfBeforeTheDeadline_IsBlamed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => throw new TimeoutException("the model did not answer"), id: "a");

        var result = await rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(5), Retry = _once });

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(1);
    }

    [Theory]
    [InlineData(MessageType.TaskAssignment)]
    [InlineData(MessageType.TaskResult)]
    public async Task DispatchTaskAsync_LostOnTheWay_TookAsLongAsItWasWaitedFor(MessageType lost)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        ((TroubledBus)rig.Bus).Loses = message => message.Type == lost;
        var begun = rig.Time.GetUtcNow();

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = _once }));

        (result.Error!.Code, result.StartedAt, result.Duration).Should().Be((ErrorCodes.AgentTimeout, begun, TimeSpan.FromSeconds(10)));
        ((TroubledBus)rig.Bus).Loses = static _ => false;
    }

    /// <summary>It was seen last when it was given its task, and not when it was told to stop.</summary>
    [Fact]
    public async Task GetAgentStatusAsync_AgentIgnoresItsToken_WasSeenLastWhenItsTaskBegan()
    {
        await using var rig = await Rig.StartAsync();
        var stubborn = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await stubborn.Task;
            return TaskData.Empty;
        }, id: "a");
        var begun = rig.Time.GetUtcNow();
        await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = _once }));
        rig.Time.Advance(TimeSpan.FromSeconds(2));

        (await rig.Coordinator.GetAgentStatusAsync("a"))!.LastHeartbeatAt.Should().Be(begun);
        stubborn.SetResult();
    }

    private static async ValueTask<TaskData> HangAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return TaskData.Empty;
    }
}
