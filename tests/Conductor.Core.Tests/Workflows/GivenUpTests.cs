using System.Runtime.CompilerServices;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>What is no longer waited for, and fails later: the log has it, and no task is left whose failure nobody observed.</summary>
public sealed class GivenUpTests : IDisposable
{
    private readonly UnobservedFailures _unobserved = new();
    private readonly string _runId = EntityId.New();

    private static WorkflowDefinition Workflow(string version = "1") => new()
    {
        Name = "w",
        Version = version,
        Phases = [WorkflowPhase.Development],
        Tasks = [new TaskDefinition { Id = "a", AgentType = AgentType.Coding }, new TaskDefinition { Id = "b", AgentType = AgentType.Coding, DependsOn = ["a"] }],
    };

    public void Dispose() => _unobserved.Dispose();

    [Fact]
    public async Task StopAsync_RunThatEndsAfterTheGracePeriod_LeavesNoUnobservedFailure()
    {
        await StopWithoutWaitingAsync();

        _unobserved.Of(_runId).Should().BeEmpty();
    }

    [Fact]
    public async Task StartWorkflowAsync_MigratedRunThatIsHandedOver_LeavesNoUnobservedFailure()
    {
        await MigrateAndStopAsync();

        _unobserved.Of(_runId).Should().BeEmpty();
    }

    [Fact]
    public async Task IsCancellationRequested_StoreThatFailsAfterTheWait_IsLoggedAndNoUnobservedFailure()
    {
        await WatchStoreThatHangsAsync();

        _unobserved.Of(_runId).Should().BeEmpty();
    }

    /// <summary>In a method of its own, as the others: nothing may hold on to its tasks.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task StopWithoutWaitingAsync()
    {
        await using var processes = new Processes();
        var (rig, store) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        var (asked, mayFail) = (new TaskCompletionSource(), new TaskCompletionSource());
        var run = await rig.Engine.StartWorkflowAsync(StoreTrouble.One, new WorkflowRunOptions { RunId = _runId });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["CommitWorkflowAsync"] = async () =>
        {
            asked.TrySetResult();
            await mayFail.Task;
            throw new IOException($"Run '{_runId}' could not be written.");
        };
        await rig.DriveAsync(rig.Engine.DisposeAsync().AsTask(), TimeSpan.FromSeconds(5));
        await asked.Task;
        run.Completion.IsCompleted.Should().BeFalse();

        mayFail.SetResult();

        await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion)).Should().ThrowAsync<IOException>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task MigrateAndStopAsync()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, again, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, token) =>
        {
            (task.Task.Id == "a" ? begun : again).TrySetResult();
            await (task.Task.Id == "a" ? mayEnd.Task : Task.Delay(Timeout.InfiniteTimeSpan, token));
            return task.Task.Id;
        });
        var first = await rig.Engine.StartWorkflowAsync(Workflow(), new WorkflowRunOptions { RunId = _runId });
        await begun.Task;
        var start = rig.Engine.StartWorkflowAsync(
            Workflow("2"), new WorkflowRunOptions { RunId = _runId, Migrate = static migration => migration.To }).AsTask();
        mayEnd.SetResult();
        await rig.DriveAsync(start);
        await rig.DriveAsync(again.Task);

        await rig.DriveAsync(rig.Engine.DisposeAsync().AsTask());

        await FluentActions.Awaiting(() => rig.DriveAsync(first.Completion)).Should().ThrowAsync<StateException>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task WatchStoreThatHangsAsync()
    {
        await using var processes = new Processes();
        var (rig, store) = await StoreTrouble.StartAsync(processes, StoreTrouble.Stuck);
        var (asked, mayFail) = (new TaskCompletionSource(), new TaskCompletionSource());
        store.Trouble["IsCancellationRequestedAsync"] = async () =>
        {
            asked.TrySetResult();
            await mayFail.Task;
            throw new IOException($"Nobody knows whether '{_runId}' is to be cancelled.");
        };
        await rig.Engine.StartWorkflowAsync(StoreTrouble.One, new WorkflowRunOptions { RunId = _runId });
        await rig.DriveAsync(asked.Task, TimeSpan.FromSeconds(1));
        await rig.DriveAsync(rig.Engine.DisposeAsync().AsTask());

        mayFail.SetResult();

        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static log => log.Exception is IOException), "the log");
    }
}
