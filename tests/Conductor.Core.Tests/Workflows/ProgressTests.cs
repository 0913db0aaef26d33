using System.Collections.Concurrent;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>Who starts a run is told how far it is, whatever becomes of the run in this engine.</summary>
public sealed class ProgressTests
{
    private readonly TaskCompletionSource _release = new();
    private readonly Reports _reports = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Progress_AnotherMigratesTheRun_GoesOn(bool isRefused)
    {
        await using var rig = await Rig.StartAsync();
        var begun = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            begun.TrySetResult();
            await _release.Task;
            return "done";
        });
        var others = new Reports();
        var run = await rig.Engine.StartWorkflowAsync(One, new WorkflowRunOptions { RunId = "run", Progress = _reports });
        await begun.Task;
        var start = rig.Engine.StartWorkflowAsync(One with { Version = "2" }, new WorkflowRunOptions
        {
            RunId = "run", Progress = others, Migrate = migration => isRefused ? throw new NotSupportedException("no") : migration.To,
        }).AsTask();
        _release.SetResult();
        await Task.WhenAny(rig.DriveAsync((Task)start));
        start.IsFaulted.Should().Be(isRefused);

        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);

        _reports.Should().Contain(static report => report.Status == WorkflowStatus.Completed);
        others.Any(static report => report.Status == WorkflowStatus.Completed).Should().Be(!isRefused);
    }

    [Fact]
    public async Task Progress_RunIsLostForAWhileAndTakenUpHereAgain_GoesOn()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, async (_, token) =>
        {
            await _release.Task.WaitAsync(token);
            return "done";
        });
        await rig.Engine.StartAsync();
        var run = await rig.Engine.StartWorkflowAsync(One, new WorkflowRunOptions { RunId = "run", Progress = _reports });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["TryRenewAsync"] = Unavailable;
        store.Trouble["CommitWorkflowAsync"] = Unavailable;
        await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion, TimeSpan.FromSeconds(1))).Should().ThrowAsync<StateException>();
        store.Trouble.Clear();
        processes.LetLeasesRunOut();

        _release.SetResult();

        await using var again = (await rig.Engine.GetRunAsync("run"))!;
        (await rig.DriveAsync(again.Completion, TimeSpan.FromSeconds(1))).Status.Should().Be(WorkflowStatus.Completed);
        await Rig.UntilAsync(() => _reports.Any(static report => report.Status == WorkflowStatus.Completed), "the last report");
    }

    [Fact]
    public async Task StartWorkflowAsync_OptionsAreUsedForAnotherRun_EachReportsToItsOwn()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, _) =>
        {
            await _release.Task;
            return "done";
        });
        var (options, others) = (new WorkflowRunOptions { RunId = "first", Progress = _reports }, new Reports());
        var first = await rig.Engine.StartWorkflowAsync(One, options);
        (options.RunId, options.Progress) = ("second", others);
        var second = await rig.Engine.StartWorkflowAsync(One, options);

        _release.SetResult();

        await rig.DriveAsync(first.Completion);
        await rig.DriveAsync(second.Completion);
        _reports.Select(static report => report.WorkflowId).Distinct().Should().Equal("first");
        others.Select(static report => report.WorkflowId).Distinct().Should().Equal("second");
    }

    private sealed class Reports : ConcurrentQueue<WorkflowProgress>, IProgress<WorkflowProgress>
    {
        public void Report(WorkflowProgress value) => Enqueue(value);
    }
}
