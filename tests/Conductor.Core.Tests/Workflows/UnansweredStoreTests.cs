using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>A store that leaves one call without an answer, and works but for that.</summary>
public sealed class UnansweredStoreTests
{
    private const int Lost = 1405;
    private const int TakeOverFailed = 1413;
    private const int ScanFailed = 1416;

    [Fact]
    public async Task Commit_IsNeverAnswered_RunIsLostHereAfterATermAndTakenUpAgain()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        await rig.Engine.StartAsync();
        var (commits, never) = (0, new TaskCompletionSource());
        store.Trouble["CommitWorkflowAsync"] = () => ++commits == 2 ? never.Task : Task.CompletedTask;
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => commits == 2, "the commit");

        await PassAsync(processes, rig, seconds: 29);
        run.Completion.IsCompleted.Should().BeFalse("a commit may be slow");
        await PassAsync(processes, rig, seconds: 3);

        var failure = (await FluentActions.Awaiting(() => run.Completion.WaitAsync(Limit)).Should().ThrowAsync<StateException>()).Which;
        (failure.ErrorCode, failure.IsTransient, failure.Key).Should().Be((ErrorCodes.StateUnavailable, true, "workflow:run"));
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == Lost);
        await PassAsync(processes, rig, seconds: 32);
        var state = (await processes.Store.GetWorkflowStateAsync("run"))!;
        state.Status.Should().Be(WorkflowStatus.Completed);
        state.Redeliveries.Should().BeEmpty("the process lived");
        rig.Engine.RunningWorkflows.Should().BeEmpty();
        never.SetResult();
    }

    [Fact]
    public async Task Commit_IsAnsweredAfterHalfATerm_RunGoesOn()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var (commits, answer) = (0, new TaskCompletionSource());
        store.Trouble["CommitWorkflowAsync"] = () => ++commits == 2 ? answer.Task : Task.CompletedTask;
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => commits == 2, "the commit");
        await PassAsync(processes, rig, seconds: 15);

        answer.SetResult();

        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    /// <summary>Nobody waits for the answer any more: it changes nothing of what goes on.</summary>
    [Fact]
    public async Task Commit_FailsOnceNobodyWaitsForIt_IsLogged()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var (commits, late) = (0, new TaskCompletionSource());
        store.Trouble["CommitWorkflowAsync"] = () => ++commits == 1 ? late.Task : Task.CompletedTask;
        var start = rig.Engine.StartWorkflowAsync(One, Run).AsTask();
        await PassAsync(processes, rig, seconds: 31);
        (await FluentActions.Awaiting(() => start.WaitAsync(Limit)).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should()
            .Be(ErrorCodes.StateUnavailable);

        late.SetException(new InvalidOperationException("late"));

        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1431 && record.Exception?.Message == "late"), "the log");
    }

    [Fact]
    public async Task Look_IsNeverAnswered_TheNextOnesTakeOver()
    {
        await using var processes = new Processes();
        var (dead, _) = await StartAsync(processes, Stuck);
        await dead.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        await rig.Engine.StartAsync();
        var (looks, never) = (0, new TaskCompletionSource());
        store.Trouble["ListUnfinishedWorkflowsAsync"] = () => ++looks == 1 ? never.Task : Task.CompletedTask;
        await PassAsync(processes, rig, seconds: 30);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == ScanFailed, "a look may be slow");

        await PassAsync(processes, rig, seconds: 5);

        rig.Logs.GetSnapshot().Where(static record => record.Id.Id == ScanFailed).Should().ContainSingle()
            .Which.Exception.Should().BeOfType<StateException>().Which.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Completed);
        never.SetResult();
    }

    [Theory]
    [InlineData("GetWorkflowDefinitionAsync")]
    [InlineData("TryAcquireAsync")]
    [InlineData("GetWorkflowStateAsync")]
    [InlineData("GetWorkflowHistoryAsync")]
    [InlineData("IsCancellationRequestedAsync")]
    public async Task StepOfATakeOver_IsNeverAnswered_RunIsTakenOverAllTheSame(string call)
    {
        await using var processes = new Processes();
        var (dead, _) = await StartAsync(processes, Stuck);
        await dead.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var (calls, late) = (0, new TaskCompletionSource());
        store.Trouble[call] = () => ++calls == 1 ? late.Task : Task.CompletedTask;
        var start = rig.Engine.StartAsync().AsTask();
        await Rig.UntilAsync(() => calls == 1, "the step");
        await PassAsync(processes, rig, seconds: 29);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == TakeOverFailed, "an answer may take its time");

        await PassAsync(processes, rig, seconds: 65);

        await start.WaitAsync(Limit);
        var failure = rig.Logs.GetSnapshot().Where(static record => record.Id.Id == TakeOverFailed).Should().ContainSingle().Which.Exception;
        failure.Should().BeOfType<StateException>().Which.Key.Should().Be("workflow:run");
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Completed);
        late.SetException(new InvalidOperationException("late"));
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1433 && record.Exception?.Message == "late"), "the log");
    }

    [Fact]
    public async Task StopAsync_WhileALookIsNotAnswered_DoesNotWaitForIt()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await rig.Engine.StartAsync();
        var (looks, never) = (0, new TaskCompletionSource());
        store.Trouble["ListUnfinishedWorkflowsAsync"] = () =>
        {
            looks++;
            return never.Task;
        };
        await PassAsync(processes, rig, seconds: 2);
        looks.Should().Be(1);

        await rig.Engine.StopAsync().AsTask().WaitAsync(Limit);

        never.SetResult();
    }

    [Theory]
    [InlineData("ReleaseAsync")]
    [InlineData("GetWorkflowStateAsync")]
    public async Task EndOfARun_OneCallIsNeverAnswered_CompletionComes(string call)
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var (calls, never) = (0, new TaskCompletionSource());
        store.Trouble["CommitWorkflowAsync"] = () =>
        {
            // From the first commit on: before it the state is read, too.
            store.Trouble[call] = () => ++calls == 1 ? never.Task : Task.CompletedTask;
            return Task.CompletedTask;
        };
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);

        await PassAsync(processes, rig, seconds: 20);

        calls.Should().BeGreaterThan(0);
        (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Completed);
        never.SetResult();
    }

    private static async Task PassAsync(Processes processes, Rig rig, int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            processes.StoreClock.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }
    }
}
