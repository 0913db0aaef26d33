using Conductor.Agents;
using Conductor.Errors;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>An agent ignores its cancelled token, and no other of a factory takes its place.</summary>
public sealed class StubbornAgentTests
{
    private readonly TaskCompletionSource<TaskData> _never = new();

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_TheOnlyAgentNeverReturns_TheTaskIsGivenUpWithWhatItFailedWith()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StuckAsync);

        var result = await rig.DriveAsync(rig.DispatchAsync(ShortTask()));

        (result.Status, result.Error!.Code, result.Attempts).Should().Be((AgentTaskStatus.Failed, ErrorCodes.AgentTimeout, 1));
        result.Error.Message.Should().ContainAll("did not finish", "could not be tried again", "factory");
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Which.RetryCount.Should().Be(0);
        rig.Coordinator.WaitingTasks.Should().Be(0);
    }

    [Fact]
    public async Task DispatchTaskAsync_SetAsideBeforeTheRetry_TheTaskIsGivenUp()
    {
        await using var rig = await Rig.StartAsync(
            new RigOptions { Retry = RetryPolicy.Default with { InitialDelay = TimeSpan.FromSeconds(20), JitterFactor = 0 } });
        await rig.AddAsync(StuckAsync);

        var result = await rig.DriveAsync(rig.DispatchAsync(ShortTask()));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_OneStuckAndTheOtherBrokenOff_TheTaskIsADeadLetter()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StuckAsync, id: "stuck");
        await rig.DriveAsync(rig.DispatchAsync(ShortTask() with { Retry = new RetrySettings { MaxRetries = 0 } }));
        await rig.DriveAsync(Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(entry => entry.Id.Id == 1335), "the agent to be set aside"));
        await rig.AddAsync(static _ => throw new IOException("down"), id: "broken");

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 20 } }));

        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, ErrorCodes.TransientError));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(2);
    }

    /// <summary>What has not run yet is as well off as with any busy agent.</summary>
    [Fact]
    public async Task DispatchTaskAsync_TheAgentReturnsAtLast_WhatWaitedRuns()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync((task, token) => task.Task.Name == "stuck" ? StuckAsync(task, token) : new ValueTask<TaskData>(TaskData.Empty));
        await rig.DriveAsync(rig.DispatchAsync(ShortTask() with { Name = "stuck" }));
        var waits = rig.DispatchAsync(Rig.NewTask() with { Name = "waits" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the task to wait");

        _never.SetResult("late");

        (await rig.DriveAsync(waits)).IsSuccess.Should().BeTrue();
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().ContainSingle();
    }

    [Fact]
    public async Task UnregisterAgentAsync_SetAsideOrAboutToBe_IsNotWaitedForAgain()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StuckAsync, id: "a");
        var dispatch = rig.DispatchAsync(ShortTask());
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        var early = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        (await rig.DriveAsync(early)).Should().BeTrue();
        var setAside = rig.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1335).Which;
        setAside.Message.Should().EndWith("is set aside: it is being removed.");
        setAside.GetStructuredStateValue("Remedy").Should().Be("it is being removed");
        await rig.DriveAsync(dispatch);
        await rig.AddAsync(StuckAsync, id: "b");
        await rig.DriveAsync(rig.DispatchAsync(ShortTask()));

        (await rig.Coordinator.UnregisterAgentAsync("b").AsTask().WaitAsync(TimeSpan.FromSeconds(20))).Should().BeTrue();

        rig.Coordinator.AgentIds.Should().BeEmpty();
    }

    private static TaskDefinition ShortTask() => Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1) };

    private ValueTask<TaskData> StuckAsync(TaskContext task, CancellationToken cancellationToken) => new(_never.Task);
}
