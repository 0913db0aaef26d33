using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Messaging;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

[Trait("Behaviour", "17")]
public sealed class ConductorTestHostTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task WaitAsync_AnHourOfRetries_PassesOnTheHostsClock()
    {
        var agent = new ScriptedAgent(new AgentScript().Fails(ErrorCodes.TransientError));
        await using var host = await StartAsync(agent, new ConductorTestHostOptions
        {
            // (On a machine that does much else.)
            RealTimeLimit = TimeSpan.FromMinutes(1),
            Configure = options =>
            {
                options.Retry.MaxRetries = 20;
                options.Retry.InitialDelay = options.Retry.MaxDelay = TimeSpan.FromMinutes(3);
                options.Retry.JitterFactor = 0;
                options.CircuitBreaker.FailureThreshold = 100;
            },
        });

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding }));

        result.Attempts.Should().Be(21);
        host.Time.Elapsed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromHours(1));
        result.Duration.Should().BeCloseTo(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1));
    }

    [Theory]
    [InlineData(-5, 0, nameof(ConductorTestHostOptions.RealTimeLimit))]
    [InlineData(0, 0, nameof(ConductorTestHostOptions.RealTimeLimit))]
    [InlineData(double.PositiveInfinity, 0, nameof(ConductorTestHostOptions.RealTimeLimit))]
    [InlineData(1, -1, nameof(ConductorTestHostOptions.QuietPeriod))]
    [InlineData(1, double.PositiveInfinity, nameof(ConductorTestHostOptions.QuietPeriod))]
    [InlineData(1, 1, nameof(ConductorTestHostOptions.QuietPeriod))]
    [InlineData(1, 2, nameof(ConductorTestHostOptions.QuietPeriod))]
    public async Task StartAsync_SettingOutOfRange_IsRefused(double limit, double quiet, string named)
    {
        static TimeSpan Seconds(double seconds) => double.IsInfinity(seconds) ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);

        var start = () => ConductorTestHost.StartAsync(
            options: new ConductorTestHostOptions { RealTimeLimit = Seconds(limit), QuietPeriod = Seconds(quiet) });

        (await start.Should().ThrowAsync<ArgumentException>()).WithMessage($"ConductorTestHostOptions.{named} is *; set it *");
    }

    [Fact]
    public async Task StartAsync_QuietPeriodAsLongAsTheRealTimeLimit_NamesBothAndWhatToDo()
    {
        var start = () => ConductorTestHost.StartAsync(options: new ConductorTestHostOptions { QuietPeriod = TimeSpan.FromSeconds(10) });

        (await start.Should().ThrowAsync<ArgumentException>()).WithMessage("*QuietPeriod is 00:00:10*RealTimeLimit 00:00:10*raise RealTimeLimit*");
    }

    /// <summary>All together they take longer than it has to be quiet.</summary>
    [Fact]
    public async Task WaitAsync_AgentWithSeveralBriefWaitsThatCannotBeSeen_MeetsNoTimeLimit()
    {
        var agent = new ScriptedAgent(new AgentScript().Does(static async (_, token) =>
        {
            for (var i = 0; i < 9; i++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System, token);
            }
        }).Returns("done"));
        await using var host = await StartAsync(
            agent, new ConductorTestHostOptions { QuietPeriod = TimeSpan.FromSeconds(5), RealTimeLimit = TimeSpan.FromMinutes(1) });

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding }));

        result.Status.Should().Be(AgentTaskStatus.Completed);
        result.Attempts.Should().Be(1);
    }

    [Fact]
    public async Task WaitAsync_WhatGivesAValueTask_IsWaitedFor()
    {
        await using var host = await StartAsync(new ScriptedAgent(new AgentScript().Delays(TimeSpan.FromSeconds(50)).Returns("done")));

        var output = await host.RunAsync(static running => running.Runtime.DispatchAsync<string>(AgentType.Coding));
        await host.RunAsync(static running => running.Bus.PublishAsync("somewhere", new AgentMessage { Type = MessageType.Control, Sender = "test" }));
        await host.WaitAsync(host.Workflows.StopAsync());

        output.Should().Be("done");
        FluentActions.Invoking(static () => new AgentScript().Delays(TimeSpan.FromSeconds(-1))).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public async Task WaitAsync_TaskNothingCanComplete_NamesWhatItWaitedFor()
    {
        await using var host = await StartAsync(new ScriptedAgent(), Impatient());
        var never = new TaskCompletionSource();

        var act = () => host.WaitAsync(never.Task);

        var thrown = (await act.Should().ThrowAsync<StuckException>()).Which;
        thrown.Awaited.Should().Be("never.Task");
        thrown.Message.Should().Contain("never.Task").And.Contain("timers");
    }

    [Fact]
    public async Task WaitAsync_StuckAfterDispatch_ShowsTheLastMessages()
    {
        await using var host = await StartAsync(new ScriptedAgent(), Impatient());
        await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding }));

        var act = () => host.WaitAsync(new TaskCompletionSource().Task, "the impossible");

        (await act.Should().ThrowAsync<StuckException>()).Which.Message.Should().Contain("the impossible").And.Contain("TaskResult");
    }

    [Fact]
    public async Task WaitAsync_TaskThatFails_ThrowsItsException()
    {
        await using var host = await StartAsync(new ScriptedAgent());

        var act = () => host.WaitAsync(Task.FromException(new InvalidTimeZoneException("scripted")));

        await act.Should().ThrowAsync<InvalidTimeZoneException>();
    }

    [Fact]
    public async Task RunAsync_BodyThatWaitsByTheClock_GetsItsTime()
    {
        await using var host = await StartAsync(new ScriptedAgent());

        var waited = await host.RunAsync(async running =>
        {
            var before = running.Time.GetUtcNow();
            await Task.Delay(TimeSpan.FromHours(6), running.Time);
            return running.Time.GetUtcNow() - before;
        });

        waited.Should().Be(TimeSpan.FromHours(6));
    }

    [Fact]
    public async Task WaitAsync_AgentThatHangs_MeetsItsTimeLimitInVirtualTime()
    {
        await using var host = await StartAsync(
            new ScriptedAgent(new AgentScript().Hangs()), Patient(static options => options.Retry.MaxRetries = 0));

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(
            new TaskDefinition { AgentType = AgentType.Coding, Timeout = TimeSpan.FromHours(3) }));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        host.Time.Elapsed.Should().BeGreaterThanOrEqualTo(TimeSpan.FromHours(3)).And.BeLessThan(TimeSpan.FromHours(4));
    }

    [Fact]
    public async Task WaitAsync_AgentThatOnlyComputes_NeverMeetsItsTimeLimit()
    {
        var agent = new ScriptedAgent(new AgentScript().Does(static (_, _) =>
        {
            Thread.SpinWait(500_000);
            return ValueTask.CompletedTask;
        }).Returns("done"));
        await using var host = await StartAsync(agent, new ConductorTestHostOptions { QuietPeriod = TimeSpan.FromSeconds(1) });

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(
            new TaskDefinition { AgentType = AgentType.Coding, Timeout = TimeSpan.FromSeconds(1) }));

        result.Status.Should().Be(AgentTaskStatus.Completed);
        result.Attempts.Should().Be(1);
    }

    [Fact]
    public async Task AdvanceAsync_GoesThroughTimersOneByOne_AndWorkSettlesInBetween()
    {
        await using var host = await StartAsync(new ScriptedAgent());
        var seen = new List<TimeSpan>();
        var start = host.Time.Elapsed;
        var work = Task.Run(async () =>
        {
            for (var i = 0; i < 5; i++)
            {
                await Task.Delay(TimeSpan.FromMinutes(7), host.Time);
                await Task.Yield();
                seen.Add(host.Time.Elapsed - start);
            }
        });

        await host.AdvanceAsync(TimeSpan.FromMinutes(30));

        seen.Should().Equal(Enumerable.Range(1, 4).Select(i => TimeSpan.FromMinutes(7 * i)));
        (host.Time.Elapsed - start).Should().Be(TimeSpan.FromMinutes(30));
        await host.WaitAsync(work);
    }

    [Fact]
    public async Task AdvanceAsync_TimerDueNow_IsGoneThroughLikeOthers()
    {
        await using var host = await StartAsync(new ScriptedAgent());
        var seen = new ConcurrentQueue<TimeSpan>();
        var start = host.Time.Elapsed;
        using var timer = host.Time.CreateTimer(_ => Task.Run(WorkAsync), null, TimeSpan.Zero, TimeSpan.FromMinutes(1));

        await host.AdvanceAsync(TimeSpan.FromMinutes(2.5));

        seen.Should().Equal(Enumerable.Range(0, 3).Select(static minute => TimeSpan.FromSeconds((60 * minute) + 1)));

        async Task WorkAsync()
        {
            await Task.Delay(TimeSpan.FromSeconds(1), host.Time);
            seen.Enqueue(host.Time.Elapsed - start);
        }
    }

    [Fact]
    public async Task AdvanceAsync_TimerThatIsSetForNowAgainAndAgain_IsStuck()
    {
        await using var host = await StartAsync(new ScriptedAgent(), Impatient());
        await using var timer = SetForNowForEver(host.Time);

        var act = () => host.AdvanceAsync(TimeSpan.FromMinutes(1)).WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the passing of 00:01:00");
    }

    [Fact]
    public async Task WaitAsync_TimerThatIsSetForNowAgainAndAgain_IsStuck()
    {
        await using var host = await StartAsync(new ScriptedAgent(), Impatient());
        await using var timer = SetForNowForEver(host.Time);

        var act = () => host.WaitAsync(new TaskCompletionSource().Task, "the impossible").WaitAsync(_patience);

        (await act.Should().ThrowAsync<StuckException>()).Which.Awaited.Should().Be("the impossible");
    }

    [Fact]
    public async Task SettleAsync_LetsNoTimePass()
    {
        await using var host = await StartAsync(new ScriptedAgent());
        var before = host.Time.Elapsed;

        await host.SettleAsync();

        host.Time.Elapsed.Should().Be(before);
    }

    [Fact]
    public async Task StartAsync_ServicesOfTheTestsOwn_AreThere()
    {
        await using var host = await ConductorTestHost.StartAsync(builder => builder
            .AddAgent("shout", (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text.ToUpperInvariant())));

        var shouted = await host.WaitAsync(host.Runtime.DispatchAsync<string>(new AgentType("shout"), "ada"));

        shouted.Should().Be("ADA");
        host.Services.GetService(typeof(TimeProvider)).Should().BeSameAs(host.Time);
        host.Runtime.Bus.Should().BeSameAs(host.Bus);
    }

    [Fact]
    public async Task StartAsync_InvalidSettings_SaysWhich()
    {
        var act = () => ConductorTestHost.StartAsync(options: new ConductorTestHostOptions { Configure = options => options.Retry.MaxRetries = -1 });

        (await act.Should().ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>()).WithMessage("*MaxRetries*");
    }

    [Fact]
    public async Task Bus_AfterDispatch_HasOneAssignmentAndOneResultOfOneCorrelation()
    {
        await using var host = await StartAsync(new ScriptedAgent(new AgentScript().Returns("done")));

        await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding }));

        host.Bus.Payloads<TaskAssignment>().Should().ContainSingle().Which.Task.Id.Should().Be("t");
        host.Bus.Payloads<TaskResultPayload>().Should().ContainSingle().Which.Result.TaskId.Should().Be("t");
        host.Bus.Published.Where(recorded => recorded.Message.Payload is TaskAssignment or TaskResultPayload)
            .Select(recorded => recorded.Message.CorrelationId).Distinct().Should().ContainSingle();
    }

    [Fact]
    public async Task RunWorkflowAsync_WithRetriesAndTimers_CompletesInVirtualTime()
    {
        var script = new AgentScript().Fails(ErrorCodes.LlmTimeout).Delays(TimeSpan.FromMinutes(1)).Returns("done");
        await using var host = await ConductorTestHost.StartAsync(builder => builder
            .AddAgent(AgentType.Coding, _ => new ScriptedAgent(script))
            .AddAgent(AgentType.Test, _ => new ScriptedAgent()));
        var workflow = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, phase =>
        {
            var code = phase.Task("code", AgentType.Coding);
            phase.Task("test", AgentType.Test).After(code);
        }).Build();

        var state = await host.WaitAsync(host.Workflows.RunWorkflowAsync(workflow));

        state.Status.Should().Be(WorkflowStatus.Completed);
        state.TaskResults["code"].Attempts.Should().Be(2);
        state.Duration.Should().BeGreaterThanOrEqualTo(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task UseJson_PayloadsPassThroughJson()
    {
        var script = new AgentScript().ReturnsFrom(task => task.Input.Get<Order>() with { Count = 2 });
        await using var host = await StartAsync(new ScriptedAgent(script), new ConductorTestHostOptions { UseJson = true });
        var order = new Order("nails", 1);

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(
            new TaskDefinition { AgentType = AgentType.Coding, Input = TaskData.From(order) }));

        script.Seen.Single().Task.Input.Get<Order>().Should().Be(order).And.NotBeSameAs(order);
        result.Output.Get<Order>().Should().Be(order with { Count = 2 });
    }

    [Fact]
    public async Task UseJson_PayloadThatCannotBeWritten_FailsTheTask()
    {
        await using var host = await StartAsync(new ScriptedAgent(), new ConductorTestHostOptions
        {
            UseJson = true,
            Configure = options => options.Retry.MaxRetries = 0,
        });
        Func<int> unwritable = () => 1;

        var act = () => host.WaitAsync(host.Runtime.DispatchAsync<string>(AgentType.Coding, TaskData.From(unwritable)));

        await act.Should().ThrowAsync<TaskValidationException>();
        host.Bus.Payloads<TaskAssignment>().Should().BeEmpty();
    }

    [Fact]
    public async Task UseJson_OutputThatCannotBeWritten_IsTheTasksFailure()
    {
        await using var host = await StartAsync(
            new ScriptedAgent(new AgentScript().Returns(double.NaN)), new ConductorTestHostOptions { UseJson = true });

        var result = await host.WaitAsync(host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding }));

        result.Error!.Code.Should().Be(ErrorCodes.TaskValidationFailed);
    }

    [Fact]
    public async Task DisposeAsync_AgentThatIgnoresCancellation_DoesNotHang()
    {
        var release = new TaskCompletionSource();
        var script = new AgentScript().IgnoresCancellation().WaitsFor(release.Task).Returns("late");
        var host = await StartAsync(new ScriptedAgent(script));
        var dispatch = host.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = AgentType.Coding }).AsTask();
        await script.WaitUntilSeenAsync(1);

        await host.DisposeAsync();

        release.SetResult();
        await dispatch.ContinueWith(static _ => { }, TaskScheduler.Default);
        dispatch.IsCompletedSuccessfully.Should().BeFalse();
    }

    private static ITimer SetForNowForEver(VirtualTimeProvider time)
    {
        ITimer? timer = null;
        timer = time.CreateTimer(_ => timer!.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        return timer;
    }

    private static ConductorTestHostOptions Impatient() => new() { RealTimeLimit = TimeSpan.FromMilliseconds(300) };

    /// <summary>Much else may run at the same time.</summary>
    private static ConductorTestHostOptions Patient(Action<ConductorOptions>? configure = null) =>
        new() { RealTimeLimit = TimeSpan.FromMinutes(1), Configure = configure };

    private static Task<ConductorTestHost> StartAsync(BaseAgent agent, ConductorTestHostOptions? options = null) =>
        ConductorTestHost.StartAsync(builder => builder.AddAgent(AgentType.Coding, _ => agent), options ?? Patient());

    private sealed record Order(string What, int Count);
}
