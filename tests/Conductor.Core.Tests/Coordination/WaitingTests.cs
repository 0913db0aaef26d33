using System.Collections.Concurrent;
using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

public sealed class WaitingTests
{
    /// <summary>One agent that holds each task until it is let go.</summary>
    private static async Task<(Rig Rig, ConcurrentQueue<string> Order, SemaphoreSlim Gate)> OneSlowAgentAsync(RigOptions? options = null)
    {
        var rig = await Rig.StartAsync(options);
        var order = new ConcurrentQueue<string>();
        var gate = new SemaphoreSlim(0);
        await rig.AddAsync(async (task, token) =>
        {
            order.Enqueue(task.Task.Name);
            await gate.WaitAsync(token);
            return TaskData.Empty;
        });
        return (rig, order, gate);
    }

    private static TaskDefinition Named(string name, TaskPriority priority = TaskPriority.Medium) => Rig.NewTask() with { Name = name, Priority = priority };

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_AllBusy_WaitsInPriorityThenArrivalOrder()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var tasks = new List<Task> { rig.DispatchAsync(Named("first")) };
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        var waiting = 0;
        foreach (var (name, priority) in new[]
        {
            ("low", TaskPriority.Low), ("medium-1", TaskPriority.Medium), ("critical", TaskPriority.Critical), ("medium-2", TaskPriority.Medium), (
                "high", TaskPriority.High),
        })
        {
            tasks.Add(rig.DispatchAsync(Named(name, priority)));
            waiting++;
            await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == waiting, name);
        }

        gate.Release(6);
        await Task.WhenAll(tasks);

        order.Should().Equal("first", "critical", "high", "medium-1", "medium-2", "low");
    }

    /// <summary>Time with an agent, and up to the next attempt, is no waiting: what fails does not overtake what is more important by that.</summary>
    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_LowTimesOut_ItsNextAttemptIsAsLowAsTheFirst()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var tasks = new List<Task> { rig.DispatchAsync(Named("low", TaskPriority.Low)) };
        await Rig.UntilAsync(() => order.Count == 1, "the low one");
        tasks.Add(rig.DispatchAsync(Named("busy")));
        await rig.DriveAsync(Rig.UntilAsync(() => order.Count == 2, "the time limit of the low one"), TimeSpan.FromSeconds(1));
        tasks.Add(rig.DispatchAsync(Named("critical", TaskPriority.Critical)));
        await rig.DriveAsync(Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "the next attempt of the low one"));

        gate.Release(3);
        await rig.DriveAsync(Task.WhenAll(tasks));

        order.Should().Equal("low", "busy", "critical", "low");
    }

    /// <summary>Nor does it hide the age of those that have waited all the time.</summary>
    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_OneComesBackForAnotherAttempt_ThoseThatWaitedLongAreBeforeYoungerOnes()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var tasks = new List<Task> { rig.DispatchAsync(Named("back", TaskPriority.Low) with { Timeout = TimeSpan.FromMinutes(10) }) };
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        foreach (var name in new[] { "busy", "waits" })
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            tasks.Add(rig.DispatchAsync(Named(name, TaskPriority.Low) with { Timeout = TimeSpan.FromHours(1) }));
            await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == tasks.Count - 1, name);
        }

        await rig.DriveAsync(Rig.UntilAsync(() => order.Count == 2, "the time limit of the first"), TimeSpan.FromSeconds(10));
        await rig.DriveAsync(Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "its next attempt"));
        tasks.Add(rig.DispatchAsync(Named("young")));
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 3, "a young one");

        gate.Release(4);
        await rig.DriveAsync(Task.WhenAll(tasks));

        order.Take(3).Should().Equal("back", "busy", "waits");
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_LowWaitsLong_AgesPastYoungerOnes()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var tasks = new List<Task> { rig.DispatchAsync(Named("first")) };
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        tasks.Add(rig.DispatchAsync(Named("low", TaskPriority.Low)));
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "low");
        rig.Time.Advance(TimeSpan.FromSeconds(61));
        tasks.Add(rig.DispatchAsync(Named("medium", TaskPriority.Medium)));
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "medium");
        gate.Release(3);
        await Task.WhenAll(tasks);

        order.Should().Equal("first", "low", "medium");
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_QueueFull_NamesTheSetting()
    {
        var (rig, order, gate) = await OneSlowAgentAsync(new RigOptions { Dispatch = new DispatchOptions { QueueCapacity = 1 } });
        await using var disposal = rig;
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        var second = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second");

        var thrown = await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<QueueFullException>();

        thrown.Which.ErrorCode.Should().Be("QUEUE_FULL");
        thrown.Which.Message.Should().Contain("DispatchOptions.QueueCapacity");
        gate.Release(2);
        await Task.WhenAll(first, second);
        rig.Coordinator.WaitingTasks.Should().Be(0);
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_WaitLimitZero_FailsAtOnce()
    {
        var (rig, order, gate) = await OneSlowAgentAsync(new RigOptions { Dispatch = new DispatchOptions { WaitLimit = TimeSpan.Zero } });
        await using var disposal = rig;
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");

        (await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<NoAvailableAgentException>()).Which.ErrorCode.Should()
            .Be("NO_AVAILABLE_AGENT");
        gate.Release();
        await first;
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_WaitLimitOver_FailsAndLeavesTheQueue()
    {
        var (rig, order, gate) = await OneSlowAgentAsync(new RigOptions { Dispatch = new DispatchOptions { WaitLimit = TimeSpan.FromSeconds(3) } });
        await using var disposal = rig;
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        var second = rig.DispatchAsync();

        var thrown = await FluentActions.Awaiting(() => rig.DriveAsync(second)).Should().ThrowAsync<NoAvailableAgentException>();

        thrown.Which.Message.Should().Contain("DispatchOptions.WaitLimit");
        rig.Coordinator.WaitingTasks.Should().Be(0);
        gate.Release();
        await first;
        order.Should().HaveCount(1);
    }

    [Fact]
    public async Task DispatchTaskAsync_CancelledWhileWaiting_LeavesTheQueue()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        using var cancellation = new CancellationTokenSource();
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        var second = rig.DispatchAsync(cancellationToken: cancellation.Token);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second");
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => second).Should().ThrowAsync<OperationCanceledException>();
        rig.Coordinator.WaitingTasks.Should().Be(0);
        gate.Release();
        await first;
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to be free");
        order.Should().HaveCount(1);
    }

    [Fact]
    public async Task DispatchTaskAsync_DeadlineOverWhileWaiting_IsATimeout()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");

        (await FluentActions.Awaiting(() => rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(2) })))
            .Should().ThrowAsync<AgentTimeoutException>()).Which.Message.Should().Contain("TaskDefinition.Deadline");
        gate.Release();
        await first;
    }

    [Fact]
    public async Task UnregisterAgentAsync_LastOfItsType_TellsThoseWhoWait()
    {
        var (rig, order, gate) = await OneSlowAgentAsync();
        await using var disposal = rig;
        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => order.Count == 1, "the first");
        var second = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second");
        var unregister = rig.Coordinator.UnregisterAgentAsync("agent-1").AsTask();

        await FluentActions.Awaiting(() => second).Should().ThrowAsync<NoAvailableAgentException>();
        gate.Release();
        (await first).IsSuccess.Should().BeTrue("a running task still gets its result");
        (await unregister).Should().BeTrue();
    }

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_TransientDenial_WaitsUntilARunningTaskEnds()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
        var gate = new SemaphoreSlim(0);
        var running = 0;
        var most = 0;
        for (var i = 0; i < 3; i++)
        {
            await rig.AddAsync(async (_, token) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await gate.WaitAsync(token);
                Interlocked.Decrement(ref running);
                return TaskData.Empty;
            });
        }

        var all = Enumerable.Range(0, 3).Select(_ => rig.DispatchAsync()).ToList();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2 && running == 1, "two to wait");
        rig.Coordinator.RunningTasks.Should().Be(1, "waiting tasks do not count as running");
        gate.Release(3);

        (await Task.WhenAll(all)).Should().OnlyContain(result => result.IsSuccess);
        most.Should().Be(1);
    }

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_RacingCallers_NeverExceedTheLimitAndAllFinish()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(3)] });
        var running = 0;
        var most = 0;
        for (var i = 0; i < 8; i++)
        {
            await rig.AddAsync(async (_, _) =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref running));
                await Task.Yield();
                Interlocked.Decrement(ref running);
                return TaskData.Empty;
            });
        }

        var all = Enumerable.Range(0, 400).Select(_ => Task.Run(() => rig.DispatchAsync())).ToList();
        var results = await rig.DriveAsync(Task.WhenAll(all));

        results.Should().OnlyContain(result => result.IsSuccess);
        most.Should().BeInRange(1, 3);
        (rig.Coordinator.RunningTasks, rig.Coordinator.WaitingTasks).Should().Be((0, 0));
    }

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task UnregisterPolicy_WhileTasksWaitForIt_WakesThem()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
        var gate = new SemaphoreSlim(0);
        for (var i = 0; i < 2; i++)
        {
            await rig.AddAsync(async (_, token) =>
            {
                await gate.WaitAsync(token);
                return TaskData.Empty;
            });
        }

        var both = new[] { rig.DispatchAsync(), rig.DispatchAsync() };
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "one to wait");
        rig.Policies.UnregisterPolicy("max_concurrent_tasks");
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 2, "both to run");
        gate.Release(2);
        await Task.WhenAll(both);
    }

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_CapacityNobodyHereCanSee_IsLookedAtAgain()
    {
        var open = false;
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new OpenWhen(() => open)] });
        await rig.AddAsync(_ => TaskData.Empty);
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");
        open = true;
        dispatch.IsCompleted.Should().BeFalse();

        (await rig.DriveAsync(dispatch)).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task DispatchTaskAsync_LimitZero_DeniesForGood()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(0)] });
        await rig.AddAsync(_ => TaskData.Empty);

        (await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<PolicyViolationException>()).Which.IsTransient.Should().BeFalse();
    }

    [Fact]
    public void DispatchOptions_OutOfRange_QuoteSettingValueAndFix()
    {
        new DispatchOptions().Problems("D").Should().BeEmpty();
        new DispatchOptions
        {
            QueueCapacity = 0,
            WaitLimit = TimeSpan.FromSeconds(-1),
            CancellationGracePeriod = TimeSpan.FromSeconds(-1),
            AgeingInterval = TimeSpan.Zero,
            PolicyRecheckInterval = TimeSpan.Zero,
            AgentStateInterval = TimeSpan.Zero,
        }.Problems("D").Should().HaveCount(6).And.OnlyContain(problem => problem.StartsWith("D.") && problem.Contains("; set it to"));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private sealed class OpenWhen(Func<bool> open) : Policy<DispatchPolicyContext>
    {
        public override string Name => "open_when";

        public override string Description => "a window";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(open() ? Allowed : Denied("closed", isTransient: true));
    }
}
