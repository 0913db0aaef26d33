using Conductor.Agents;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>An agent is unregistered while it runs a task, and not given the time to finish it: nobody wanted the task cancelled.</summary>
public sealed class ImpatientUnregisterTests
{
    private static readonly CancellationToken _noTime = new(canceled: true);

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task UnregisterAgentAsync_NoTime_AnotherAgentRunsTheTask()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StuckAsync, id: "leaves");
        await rig.AddAsync(static _ => TaskData.Empty, id: "stays");
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("leaves", _noTime).AsTask());

        var result = await rig.DriveAsync(dispatch);
        (result.Status, result.AgentId, result.Attempts).Should().Be((AgentTaskStatus.Completed, "stays", 2));
    }

    [Fact]
    public async Task UnregisterAgentAsync_NoTimeAndNoOther_TheTaskHasFailed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StuckAsync, id: "leaves");
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("leaves", _noTime).AsTask());

        var result = await rig.DriveAsync(dispatch);
        (result.Status, result.Error!.Code).Should().Be((AgentTaskStatus.Failed, ErrorCodes.NoAvailableAgent));
    }

    /// <summary>A deployment must not follow on a build that was not made.</summary>
    [Fact]
    [Trait("Behaviour", "10")]
    public async Task UnregisterAgentAsync_NoTimeAndNoOther_TheRunsGateDoesNotPass()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(StuckAsync, id: "leaves");
        var run = rig.Engine.RunWorkflowAsync(Release.ThreePhases()).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");

        await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("leaves", _noTime).AsTask());

        var state = await rig.DriveAsync(run);
        (state.Status, state.Error!.Code, state.TaskResults["code"].Status).Should()
            .Be((WorkflowStatus.Failed, ErrorCodes.PhaseGateFailed, AgentTaskStatus.Failed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_AgentIsBeingUnregistered_WaitsForItsStopHookForTheGracePeriod(bool hangs)
    {
        await using var rig = await Rig.StartAsync();
        var (stopping, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        var agent = new LambdaAgent(static _ => TaskData.Empty)
        {
            OnStop = async () =>
            {
                stopping.SetResult();
                await mayEnd.Task;
            },
        };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "leaves");
        var unregister = rig.Coordinator.UnregisterAgentAsync("leaves").AsTask();
        await stopping.Task;

        var stop = rig.Coordinator.StopAsync().AsTask();

        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse("a hook still runs");
        if (hangs)
        {
            await rig.DriveAsync(stop);
            rig.Logs.GetSnapshot().Should().Contain(static log => log.Id.Id == 1368);
        }

        mayEnd.SetResult();
        await stop.WaitAsync(TimeSpan.FromSeconds(20));
        (await unregister.WaitAsync(TimeSpan.FromSeconds(20))).Should().BeTrue();
    }

    private static async ValueTask<TaskData> StuckAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return "never";
    }

    [Fact]
    public async Task UnregisterAgentAsync_SomebodyElseDoesAlready_WaitsWithItAndMayHurryIt()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StoreTrouble.Stuck, id: "a");
        var task = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromHours(9), Retry = new RetrySettings { MaxRetries = 0 } });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        var first = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        using var impatience = new CancellationTokenSource();
        var second = rig.Coordinator.UnregisterAgentAsync("a", impatience.Token).AsTask();
        await Rig.SettleAsync();
        second.IsCompleted.Should().BeFalse("the task still runs");

        await impatience.CancelAsync();

        (await rig.DriveAsync(second)).Should().BeTrue();
        (await rig.DriveAsync(first)).Should().BeTrue();
        rig.Coordinator.AgentIds.Should().BeEmpty();
        (await rig.DriveAsync(task)).IsSuccess.Should().BeFalse();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
    }

    /// <summary>It would wait for itself.</summary>
    [Fact]
    public async Task UnregisterAgentAsync_ByTheStopHookOfTheAgent_DoesNotWaitForTheHook()
    {
        await using var rig = await Rig.StartAsync();
        var agent = new LambdaAgent(static _ => TaskData.Empty) { OnStop = async () => await rig.Coordinator.UnregisterAgentAsync("a") };
        await rig.Coordinator.RegisterAgentAsync(agent, AgentType.Coding, "a");

        (await rig.Coordinator.UnregisterAgentAsync("a").AsTask().WaitAsync(TimeSpan.FromSeconds(20))).Should().BeTrue();
    }
}
