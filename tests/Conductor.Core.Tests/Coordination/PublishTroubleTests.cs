using Conductor.Messaging;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>A bus that fails now and then, as one with a server does.</summary>
public sealed class PublishTroubleTests
{
    private static Task<Rig> StartAsync() => Rig.StartAsync(new RigOptions { Bus = static environment => new TroubledBus(environment) });

    /// <summary>Has the next messages of a type fail.</summary>
    /// <returns>How many came, failed or not.</returns>
    private static Func<int> Fail(Rig rig, MessageType type, int times, Func<Exception> exception)
    {
        var seen = 0;
        ((TroubledBus)rig.Bus).Fails = message => message.Type == type && Interlocked.Increment(ref seen) <= times ? exception() : null;
        return () => Volatile.Read(ref seen);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_AssignmentFailsNowAndThen_IsPublishedAgain()
    {
        await using var rig = await StartAsync();
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran), id: "a");
        var published = Fail(rig, MessageType.TaskAssignment, 2, static () => new IOException("reset"));

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.IsSuccess, result.Attempts, published(), ran).Should().Be((true, 3, 3, 1));
        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0, "it is not the agent's fault");
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.ErrorCount.Should().Be(0);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_AssignmentFailsEachTime_IsThrownAfterTheRetriesAndLeavesNothing()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        var published = Fail(
            rig, MessageType.TaskAssignment, int.MaxValue, static () => new BusException(ErrorCodes.BusDisconnected, "reset") { IsTransient = true });
        var task = Rig.NewTask();

        (await FluentActions.Awaiting(() => rig.DriveAsync(rig.DispatchAsync(task))).Should().ThrowAsync<BusException>()).WithMessage("reset");

        published().Should().Be(4, "three retries are the default");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty("it never ran");
        (await rig.State.GetTaskResultAsync(task.Id)).Should().BeNull();
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status.Should().Be(AgentStatus.Idle);
        rig.Coordinator.RunningTasks.Should().Be(0);
    }

    [Fact]
    public async Task DispatchTaskAsync_AssignmentFailsForGood_IsThrownAtOnce()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        var published = Fail(rig, MessageType.TaskAssignment, int.MaxValue, static () => new BusException(ErrorCodes.BusDisconnected, "gone"));

        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<BusException>();

        published().Should().Be(1);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task DispatchTaskAsync_NoAgentIsLeftToPublishTo_NeverRanAndIsThrown()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        Fail(rig, MessageType.TaskAssignment, 1, static () => new IOException("reset"));
        var task = Rig.NewTask();
        var dispatch = rig.DispatchAsync(task);
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1600), "the retry");
        await rig.Coordinator.UnregisterAgentAsync("a");

        await FluentActions.Awaiting(() => rig.DriveAsync(dispatch)).Should().ThrowAsync<NoAvailableAgentException>();

        (await rig.State.GetTaskResultAsync(task.Id)).Should().BeNull();
        await rig.AddAsync(static _ => "ran");
        (await rig.DispatchAsync(task)).Output.Get<string>().Should().Be("ran");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DispatchTaskAsync_RanAndCannotBePublishedAgain_IsAResult(bool isTransient)
    {
        await using var rig = await StartAsync();
        var ran = 0;
        await rig.AddAsync(
            (_, _) =>
            {
                ran++;
                Fail(rig, MessageType.TaskAssignment, int.MaxValue, () => new BusException(ErrorCodes.BusDisconnected, "gone") { IsTransient = isTransient });
                throw new IOException("the agent's");
            },
            id: "a");

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.Status, result.Error!.Code, result.AgentId, ran).Should().Be((AgentTaskStatus.Failed, ErrorCodes.BusDisconnected, "a", 1));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(isTransient ? 1 : 0, "what would not help is escalated");
    }

    [Fact]
    [Trait("Behaviour", "8")]
    public async Task ReplayDeadLetterAsync_AssignmentFailsEachTime_LeavesTheLetterWhereItIs()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static (_, _) => throw new IOException("down"));
        await rig.DriveAsync(rig.DispatchAsync());
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Subject;
        Fail(rig, MessageType.TaskAssignment, int.MaxValue, static () => new IOException("reset"));

        await FluentActions.Awaiting(() => rig.DriveAsync(rig.Coordinator.ReplayDeadLetterAsync(letter.Id).AsTask())).Should().ThrowAsync<IOException>();

        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.Id.Should().Be(letter.Id);
    }

    [Fact]
    public async Task DispatchTaskAsync_AssignmentWasDeliveredAllTheSame_TheAnswerCounts()
    {
        await using var rig = await StartAsync();
        var bus = (TroubledBus)rig.Bus;
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran));
        await rig.Bus.SubscribeAsync(Channels.Results(rig.Coordinator.Id), (_, _) =>
        {
            bus.Answered.TrySetResult();
            return ValueTask.CompletedTask;
        });
        bus.DeliversWhatFails = true;
        Fail(rig, MessageType.TaskAssignment, 1, static () => new IOException("no confirmation"));

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.IsSuccess, result.Attempts, ran).Should().Be((true, 1, 1));
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_OptionalTaskCannotBePublished_IsSkipped()
    {
        await using var rig = await StartAsync();
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        Fail(rig, MessageType.TaskAssignment, int.MaxValue, static () => new IOException("reset"));
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase => phase.Task("o", AgentType.Coding).Optional()).Build();

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask());

        (state.Status, state.TaskResults["o"].Status).Should().Be((WorkflowStatus.Completed, AgentTaskStatus.Skipped));
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_AssignmentsFailNowAndThen_Completes()
    {
        await using var rig = await StartAsync();
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        Fail(rig, MessageType.TaskAssignment, 2, static () => new IOException("reset"));

        (await rig.DriveAsync(rig.Engine.RunWorkflowAsync(Release.ThreePhases()).AsTask())).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task DispatchTaskAsync_ResultFailsNowAndThen_IsPublishedAgainAndTheTaskIsNotRunAgain()
    {
        await using var rig = await StartAsync();
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran));
        var published = Fail(rig, MessageType.TaskResult, 2, static () => new IOException("reset"));

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.IsSuccess, result.Output.Get<int>(), result.Attempts, published(), ran).Should().Be((true, 1, 1, 3, 1));
        rig.Logs.GetSnapshot().Count(static record => record.Id.Id == 1323).Should().Be(2);
    }

    [Fact]
    public async Task DispatchTaskAsync_ResultFailsForGood_FailsAtOnce()
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        var published = Fail(rig, MessageType.TaskResult, int.MaxValue, static () => new BusException(ErrorCodes.BusDisconnected, "gone"));

        (await rig.DispatchAsync()).Error!.Code.Should().Be(ErrorCodes.BusDisconnected);

        published().Should().Be(1);
    }

    /// <summary>What answers for an agent that never had the task is no word of that agent.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DispatchTaskAsync_TimeLimitOrDisconnectComesBeforeThePublishFails_NoAgentFailed(bool isDisconnected)
    {
        await using var rig = await StartAsync();
        var bus = (TroubledBus)rig.Bus;
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran), id: "a");
        Fail(rig, MessageType.TaskAssignment, int.MaxValue, static () => new BusException(ErrorCodes.BusDisconnected, "no connection") { IsTransient = true });
        bus.FailsAfter = isDisconnected ? () => rig.Bus.DisconnectAsync().AsTask() : () => Task.Delay(TimeSpan.FromSeconds(4), rig.Time);
        var task = Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(2), Retry = new RetrySettings { MaxRetries = 0 } };

        await FluentActions.Awaiting(() => rig.DriveAsync(rig.DispatchAsync(task))).Should().ThrowAsync<BusException>();

        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0);
        (await rig.State.GetTaskResultAsync(task.Id)).Should().BeNull();
        ran.Should().Be(0);
    }

    [Fact]
    public async Task Assignment_ComesAgainWhileItsResultIsPublishedAgain_IsRefused()
    {
        await using var rig = await StartAsync();
        var bus = (TroubledBus)rig.Bus;
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran), id: "a");
        AgentMessage? assignment = null;
        bus.Loses = message =>
        {
            assignment = message.Type == MessageType.TaskAssignment ? message : assignment;
            return false;
        };
        Fail(rig, MessageType.TaskResult, 1, static () => new IOException("reset"));
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1323), "the result to fail");

        await rig.Bus.PublishAsync(Channels.Agent("a"), assignment!);
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1303), "the refusal");

        (await rig.DriveAsync(dispatch)).Output.Get<int>().Should().Be(1);
        ran.Should().Be(1);
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task Assignments_ComeAfterTheirTimeLimits_AreRefusedEachOfThem()
    {
        await using var rig = await StartAsync();
        var bus = (TroubledBus)rig.Bus;
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran), id: "a");
        var late = new List<AgentMessage>();
        bus.Loses = message =>
        {
            var isHeld = message.Type == MessageType.TaskAssignment && late.Count < 3;
            if (isHeld)
            {
                late.Add(message);
            }

            return isHeld;
        };
        (await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1) }))).Attempts.Should().Be(4);

        foreach (var message in late)
        {
            await rig.Bus.PublishAsync(Channels.Agent("a"), message);
        }

        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Count(static record => record.Id.Id == 1303) >= 3, "the refusals");
        ran.Should().Be(1);
    }

    /// <summary>The agent is done, and must not be taken for one that does not finish.</summary>
    [Fact]
    public async Task DispatchTaskAsync_ResultFailsUntilTheTimeLimit_IsTheBussFailure()
    {
        await using var rig = await StartAsync();
        var ran = 0;
        await rig.AddAsync(_ => TaskData.From(++ran), id: "a");
        var published = Fail(rig, MessageType.TaskResult, int.MaxValue, static () => new IOException("reset"));

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(2) }));

        (result.Error!.Code, result.Attempts, ran).Should().Be((ErrorCodes.BusDisconnected, 1, 1));
        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0);
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1304);
        var tried = published();
        await rig.DriveAsync(Task.Delay(TimeSpan.FromSeconds(20), rig.Time));
        published().Should().Be(tried, "nobody waits for it");
    }

    /// <summary>A bus may throw anything; one letter that cannot be replayed stops no other.</summary>
    [Fact]
    public async Task ReplayDeadLettersAsync_BusThrowsForOne_ReplaysTheOthers()
    {
        await using var rig = await StartAsync();
        var broken = true;
        await rig.AddAsync(_ => broken ? throw new AgentException(ErrorCodes.TransientError, "busy") : TaskData.From("done"));
        foreach (var id in (string[])["a", "b", "c"])
        {
            await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Id = id, Retry = new RetrySettings { MaxRetries = 0 } }));
            rig.Time.Advance(TimeSpan.FromSeconds(1));
        }

        broken = false;
        var assignments = 0;
        ((TroubledBus)rig.Bus).Fails = message =>
            message.Type == MessageType.TaskAssignment && Interlocked.Increment(ref assignments) == 2 ? new InvalidOperationException("refused") : null;

        var results = await rig.DriveAsync(rig.Coordinator.ReplayDeadLettersAsync().AsTask());

        results.Select(static result => result.IsSuccess).Should().Equal(true, false, true);
        results[1].Error!.Message.Should().Contain("refused");
        (await rig.Errors.GetDeadLetterQueueAsync()).Select(static letter => letter.Task!.Id).Should().Equal("b");
    }
}
