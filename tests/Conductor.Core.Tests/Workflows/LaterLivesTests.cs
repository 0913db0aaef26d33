using System.Collections.Concurrent;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>What whoever starts an id again, or got its handle, sees of a run that this engine has taken over, or takes over later.</summary>
public sealed class LaterLivesTests
{
    private sealed class Reports : ConcurrentQueue<WorkflowProgress>, IProgress<WorkflowProgress>
    {
        public void Report(WorkflowProgress value) => Enqueue(value);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StartWorkflowAsync_RunOfADeadOwner_ReportsItsProgressHere(bool isTakenOverFirst)
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        var heir = await processes.StartAsync();
        var release = new TaskCompletionSource();
        await heir.AddAsync(async (_, token) =>
        {
            await release.Task.WaitAsync(token);
            return "done";
        });
        var reports = new Reports();

        var isTakenOver = isTakenOverFirst && await TakeOverAsync();
        var run = await heir.Engine.StartWorkflowAsync(Chain(), new() { RunId = "run", Progress = reports });
        await heir.Engine.StartWorkflowAsync(Chain(), new() { RunId = "run", Progress = reports });
        _ = isTakenOver || await TakeOverAsync();
        release.SetResult();

        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Completed);
        reports.Should().NotBeEmpty();
        reports.Last().Should().BeEquivalentTo(new { WorkflowId = "run", Status = WorkflowStatus.Completed, FinishedTasks = 3, TotalTasks = 3 });
        reports.Count(static report => report.Status == WorkflowStatus.Completed).Should().Be(1, "the same listener is told once");

        async Task<bool> TakeOverAsync()
        {
            processes.LetLeasesRunOut();
            return await heir.Engine.RecoverAsync() == 1;
        }
    }

    [Fact]
    public async Task StartWorkflowAsync_IdOfADeletedRun_ReportsToNobodyOfBefore()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        var isListening = new TaskCompletionSource();
        foreach (var id in new[] { "a", "b" })
        {
            await rig.AddAsync(
                async (task, token) =>
                {
                    await isListening.Task.WaitAsync(token);
                    return await StuckOn("second")(task, token);
                },
                id: id);
        }

        var (before, after) = (new Reports(), new Reports());
        await rig.Engine.StartWorkflowAsync(Chain(), Run);
        await rig.Engine.StartWorkflowAsync(Chain(), new() { RunId = "run", Progress = before });
        isListening.SetResult();
        await Rig.UntilAsync(() => before.Any(static report => report is { FinishedTasks: 1, TasksInFlight: 1 }), "the second to be told of");
        await processes.Store.DeleteWorkflowAsync("run");
        var heard = before.Count;

        await rig.Engine.StartWorkflowAsync(Chain(), new() { RunId = "run", Progress = after });
        await FinishedAsync(processes, "first");

        await Rig.UntilAsync(() => !after.IsEmpty, "the new one to be told");
        before.Should().HaveCount(heard);
    }

    [Fact]
    public async Task WatchAsync_RunTakenOverLater_SeesEachStepWhenItIsCommitted()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);
        var heir = await processes.StartAsync();
        var (second, third) = (new TaskCompletionSource(), new TaskCompletionSource());
        await heir.AddAsync(async (task, token) =>
        {
            await (task.Task.Id == "second" ? second : third).Task.WaitAsync(token);
            return "done";
        });
        await using var run = (await heir.Engine.GetRunAsync("run"))!;
        var seen = new ConcurrentQueue<WorkflowEvent>();
        var watching = WatchAsync();
        processes.LetLeasesRunOut();
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        await heir.DriveAsync(Rig.UntilAsync(() => seen.Count(IsStartOf("second")) == 2, "the second to be seen started in both lives"));

        // From here on the clock stands still: nothing is seen by looking again.
        second.SetResult();
        await Rig.UntilAsync(() => seen.Any(IsStartOf("third")), "the third to start");

        third.SetResult();
        await watching;
        seen.Last().Kind.Should().Be(WorkflowEventKind.WorkflowFinished);

        static Func<WorkflowEvent, bool> IsStartOf(string taskId) => happening => happening.Kind == WorkflowEventKind.TaskStarted && happening.TaskId == taskId;

        async Task WatchAsync()
        {
            await foreach (var happening in run.WatchAsync())
            {
                seen.Enqueue(happening);
            }
        }
    }

    [Fact]
    public async Task Completion_StoreDisconnectedWhileAnotherEngineRunsIt_IsLogged()
    {
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        await owner.AddAsync(StuckOn("first"));
        await owner.Engine.StartWorkflowAsync(Chain(), Run);
        var other = await processes.StartAsync();
        var run = (await other.Engine.GetRunAsync("run"))!;
        var completion = run.Completion;
        await other.State.DisconnectAsync();

        (await FluentActions.Awaiting(() => other.DriveAsync(completion)).Should().ThrowAsync<StateException>())
            .Which.ErrorCode.Should().Be(ErrorCodes.StateNotConnected);
        await Rig.UntilAsync(() => other.Logs.GetSnapshot().Any(static record => record.Id.Id == 1428), "the log");
    }
}
