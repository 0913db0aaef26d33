using Conductor.Agents;
using Conductor.Messaging;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

public sealed class ScriptedAgentTests
{
    [Fact]
    public async Task ExecuteTaskAsync_WithoutScript_GivesAnEmptyOutput()
    {
        var result = await RunAsync(new ScriptedAgent());

        result.IsSuccess.Should().BeTrue();
        result.Output.IsEmpty.Should().BeTrue();
    }

    [Fact]
    public async Task ExecuteTaskAsync_SeveralSteps_TakesThemInOrderAndRepeatsTheLast()
    {
        var agent = new ScriptedAgent(new AgentScript().Returns("a").Throws(new IOException("disk")).Fails("OWN_CODE", "no").Returns("z"));

        var results = new List<TaskResult>();
        for (var i = 0; i < 6; i++)
        {
            results.Add(await RunAsync(agent));
        }

        results.Select(result => result.IsSuccess ? result.Output.Get<string>() : result.Error!.Code)
            .Should().Equal("a", ErrorCodes.TransientError, "OWN_CODE", "z", "z", "z");
    }

    [Fact]
    public async Task ExecuteTaskAsync_ReturnsFrom_SeesTheTask()
    {
        var agent = new ScriptedAgent(new AgentScript().ReturnsFrom(task => task.Task.Id + "!"));

        (await RunAsync(agent, id: "t")).Output.Get<string>().Should().Be("t!");
    }

    [Fact]
    public async Task ExecuteTaskAsync_SendsBack_PutsFeedbackIntoTheResult()
    {
        var agent = new ScriptedAgent(new AgentScript().SendsBack(FeedbackSeverity.Error, "no licence", "code").Returns("seen"));

        var result = await RunAsync(agent);

        result.Feedback!.Findings.Should().Equal("no licence");
        result.Feedback.AffectedTaskIds.Should().Equal("code");
    }

    [Fact]
    public async Task ExecuteTaskAsync_WaitsForSignal_GoesOnWithIt()
    {
        var signal = new TaskCompletionSource();
        var agent = new ScriptedAgent(new AgentScript().WaitsFor(signal.Task).Returns("done"));

        var running = RunAsync(agent);
        await agent.Script.WaitUntilSeenAsync(1);
        running.IsCompleted.Should().BeFalse();
        signal.SetResult();

        (await running).IsSuccess.Should().BeTrue();
    }

    [Fact]
    public async Task ExecuteTaskAsync_WaitsForSignalAndCancelled_EndsCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var agent = new ScriptedAgent(new AgentScript().WaitsFor(new TaskCompletionSource().Task).Returns("never"));

        var running = RunAsync(agent, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();

        (await running).Status.Should().Be(AgentTaskStatus.Cancelled);
    }

    [Fact]
    public async Task ExecuteTaskAsync_IgnoresCancellation_GoesOn()
    {
        using var cancellation = new CancellationTokenSource();
        var signal = new TaskCompletionSource();
        var agent = new ScriptedAgent(new AgentScript().IgnoresCancellation().WaitsFor(signal.Task).Returns("done"));

        var running = RunAsync(agent, cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        running.IsCompleted.Should().BeFalse();
        signal.SetResult();

        (await running).Output.Get<string>().Should().Be("done");
    }

    [Fact]
    public async Task ExecuteTaskAsync_Hangs_EndsOnlyByCancellation()
    {
        using var cancellation = new CancellationTokenSource();
        var agent = new ScriptedAgent(new AgentScript().Hangs());

        var running = RunAsync(agent, cancellationToken: cancellation.Token);
        running.IsCompleted.Should().BeFalse();
        await cancellation.CancelAsync();

        (await running).Status.Should().Be(AgentTaskStatus.Cancelled);
    }

    [Fact]
    public async Task Delays_WaitsByTheTasksClock()
    {
        var agent = new ScriptedAgent(new AgentScript().Delays(TimeSpan.FromHours(1)).Returns("done"));
        await using var host = await ConductorTestHost.StartAsync(builder => builder.AddAgent(AgentType.Coding, _ => agent));

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(
            new TaskDefinition { AgentType = AgentType.Coding, Timeout = TimeSpan.FromHours(2) }));

        result.Duration.Should().BeGreaterThanOrEqualTo(TimeSpan.FromHours(1)).And.BeLessThan(TimeSpan.FromMinutes(61));
    }

    [Fact]
    public async Task Seen_AfterRetries_HasEachAttempt()
    {
        var agent = new ScriptedAgent(new AgentScript().Fails(ErrorCodes.TransientError).Fails(ErrorCodes.TransientError).Returns("done"));
        await using var host = await ConductorTestHost.StartAsync(builder => builder.AddAgent(AgentType.Coding, _ => agent, agentId: "me"));

        await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding }));

        agent.Seen.Select(seen => seen.Attempt).Should().Equal(1, 2, 3);
        agent.Seen.Should().OnlyContain(seen => seen.AgentId == "me" && seen.Task.Id == "t" && seen.IdempotencyKey == "t:0");
        agent.Seen.Select(seen => seen.StartedAt).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Script_SharedByTwoAgents_GivesEachStepOnce()
    {
        var script = new AgentScript().Returns(1).Returns(2).Returns(3);

        var first = await RunAsync(new ScriptedAgent(script));
        var second = await RunAsync(new ScriptedAgent(script));

        first.Output.Get<int>().Should().Be(1);
        second.Output.Get<int>().Should().Be(2);
        script.Seen.Should().HaveCount(2);
    }

    [Fact]
    public async Task ExecuteTaskAsync_StepThatIsStillBuilt_RepeatsTheLastFinished()
    {
        var agent = new ScriptedAgent(new AgentScript().Returns("first"));
        await RunAsync(agent);

        var open = agent.Script.Does(static (_, _) => throw new InvalidOperationException("not built yet"));
        var meanwhile = await RunAsync(agent);
        open.Returns("never");

        meanwhile.Output.Get<string>().Should().Be("first");
        (await RunAsync(agent)).Error!.Message.Should().Contain("not built yet", "it is finished now");
    }

    [Fact]
    public async Task ExecuteTaskAsync_StepsAddedAfterTheLastWasRepeated_AreAllTaken()
    {
        var agent = new ScriptedAgent(new AgentScript().Returns(1));
        await RunAsync(agent);
        await RunAsync(agent);
        await RunAsync(agent);

        agent.Script.Returns(2).Returns(3);

        (await RunAsync(agent)).Output.Get<int>().Should().Be(2);
        (await RunAsync(agent)).Output.Get<int>().Should().Be(3);
        (await RunAsync(agent)).Output.Get<int>().Should().Be(3);
    }

    [Fact]
    public async Task ExecuteTaskAsync_NoStepIsFinished_DoesWhatIsThereAndGivesAnEmptyOutput()
    {
        var signal = new TaskCompletionSource();
        var late = 0;
        var agent = new ScriptedAgent(new AgentScript().WaitsFor(signal.Task));
        var running = RunAsync(agent);
        await agent.Script.WaitUntilSeenAsync(1);

        agent.Script
            .Does((_, _) =>
            {
                late++;
                return ValueTask.CompletedTask;
            })
            .Returns("done");
        signal.SetResult();

        (await running).Output.IsEmpty.Should().BeTrue();
        late.Should().Be(0, "it was added after that attempt had begun");
        (await RunAsync(agent)).Output.Get<string>().Should().Be("done");
        late.Should().Be(1);
    }

    private static Task<TaskResult> RunAsync(ScriptedAgent agent, string id = "task", CancellationToken cancellationToken = default) => agent
        .ExecuteTaskAsync(
            new TaskContext(new TaskAssignment { Task = new TaskDefinition { Id = id, AgentType = AgentType.Coding }, IdempotencyKey = id }),
            cancellationToken)
        .AsTask();
}
