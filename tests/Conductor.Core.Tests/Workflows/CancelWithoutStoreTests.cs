using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>Whoever cancels the token of RunWorkflowAsync asks once: the store may have a bad moment just then.</summary>
public sealed class CancelWithoutStoreTests
{
    private static readonly WorkflowDefinition _two = StoreTrouble.One with
    {
        Tasks = [StoreTrouble.One.Tasks[0], new TaskDefinition { Id = "next", AgentType = AgentType.Coding, DependsOn = ["task"] }],
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunWorkflowAsync_CancelledWhileTheWishCannotBeStored_EndsTheRunAllTheSame(bool isTransient)
    {
        await using var processes = new Processes();
        var (rig, store) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        using var cancellation = new CancellationTokenSource();
        var running = rig.Engine.RunWorkflowAsync(_two, StoreTrouble.Run, cancellation.Token).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["RequestCancellationAsync"] = () => throw new StateException(ErrorCodes.StateUnavailable, "busy") { IsTransient = isTransient };

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => rig.DriveAsync(running)).Should().ThrowAsync<OperationCanceledException>();
        var state = await store.Store.GetWorkflowStateAsync("run");
        (state!.Status, state.TaskResults.ContainsKey("next")).Should().Be((WorkflowStatus.Cancelled, false));
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == (isTransient ? 1434 : 1435));
    }

    [Fact]
    public async Task RunWorkflowAsync_CancelledWhileTheStoreDoesNotAnswer_StopsWhatRunsSoon()
    {
        await using var processes = new Processes();
        var (rig, store) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        using var cancellation = new CancellationTokenSource();
        var running = rig.Engine.RunWorkflowAsync(_two, StoreTrouble.Run, cancellation.Token).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["RequestCancellationAsync"] = static () => Task.Delay(Timeout.Infinite);
        var cancelledAt = rig.Time.GetUtcNow();

        await cancellation.CancelAsync();
        await rig.DriveAsync(Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 0, "its end"), TimeSpan.FromSeconds(1));

        (rig.Time.GetUtcNow() - cancelledAt).Should().BeLessThan(TimeSpan.FromSeconds(10));
        await FluentActions.Awaiting(() => rig.DriveAsync(running)).Should().ThrowAsync<OperationCanceledException>();
        (await store.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task RunWorkflowAsync_CancelledWhileAnotherEngineHasTheRun_SaysThatItGoesOnAndFollowsItNoLonger()
    {
        await using var processes = new Processes();
        var (owner, _) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        var run = await owner.Engine.StartWorkflowAsync(_two, StoreTrouble.Run);
        var (front, store) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        using var cancellation = new CancellationTokenSource();
        var running = front.Engine.RunWorkflowAsync(_two, StoreTrouble.Run, cancellation.Token).AsTask();
        await front.DriveAsync(Rig.UntilAsync(() => store.Reads > 0, "it to be followed"));
        store.Trouble["RequestCancellationAsync"] = static () => throw new StateException(ErrorCodes.StateCorrupt, "damaged");

        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => front.DriveAsync(running)).Should().ThrowAsync<StateException>();
        (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.InProgress);
        await Rig.SettleAsync();
        var reads = store.Reads;
        for (var second = 0; second < 10; second++)
        {
            front.Time.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }

        store.Reads.Should().Be(reads);
    }
}
