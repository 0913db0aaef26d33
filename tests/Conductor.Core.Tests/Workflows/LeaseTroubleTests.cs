using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>
/// A store that cannot renew a lease for a while, with nobody else there: the run goes on as long as its lease may be held, and then says what the
/// store said.
/// </summary>
public sealed class LeaseTroubleTests
{
    private const int Lost = 1405;

    /// <summary>Another connection holds the file's lock for 24 of the 30 seconds.</summary>
    [Fact]
    public async Task Renewal_IsAnsweredLateButInTime_TheRunGoesOn()
    {
        await using var processes = new Processes();
        var (unlocked, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (rig, store) = await StartAsync(processes, async (_, token) =>
        {
            await release.Task.WaitAsync(token);
            return "done";
        });
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["TryRenewAsync"] = () => unlocked.Task;
        await PassAsync(processes, rig, seconds: 24);
        store.Trouble.Clear();
        unlocked.SetResult();
        await PassAsync(processes, rig, seconds: 120);

        run.Completion.IsCompleted.Should().BeFalse();
        (await processes.Store.Leases.GetAsync("workflow:run")).Should().NotBeNull("it is renewed");
        release.SetResult();
        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == Lost);
    }

    [Fact]
    public async Task Renewal_FailsAndWorksAgainInTime_TheRunGoesOn()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, Stuck);
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        store.Trouble["TryRenewAsync"] = Unavailable;
        await PassAsync(processes, rig, seconds: 22);
        store.Trouble.Clear();

        await PassAsync(processes, rig, seconds: 120);

        run.Completion.IsCompleted.Should().BeFalse();
        (await processes.Store.Leases.GetAsync("workflow:run")).Should().NotBeNull("it is renewed");
    }

    [Theory]
    [InlineData(false, "*did not answer*")]
    [InlineData(true, "down")]
    public async Task Renewal_FailsForTheWholeTerm_TasksStopBeforeOthersMayBeginThemAndTheStoresWordIsTheReason(bool says, string message)
    {
        await using var processes = new Processes();
        CancellationToken running = default;
        var (rig, store) = await StartAsync(processes, async (task, token) =>
        {
            running = token;
            return await Stuck(task, token);
        });
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        var never = new TaskCompletionSource();
        store.Trouble["TryRenewAsync"] = says ? Unavailable : () => never.Task;
        await PassAsync(processes, rig, seconds: 24);
        running.IsCancellationRequested.Should().BeFalse("its lease is its own");

        await PassAsync(processes, rig, seconds: 3);

        running.IsCancellationRequested.Should().BeTrue("in three seconds the lease may be another's");
        var failure = (await FluentActions.Awaiting(() => run.Completion.WaitAsync(Limit)).Should().ThrowAsync<StateException>().WithMessage(message)).Which;
        (failure.ErrorCode, failure.IsTransient).Should().Be((ErrorCodes.StateUnavailable, true));
        never.SetResult();
    }

    [Fact]
    public async Task Renewal_AnotherHasTheRun_SaysSo()
    {
        await using var processes = new Processes();
        var (rig, _) = await StartAsync(processes, Stuck);
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await processes.Store.Leases.TryTakeOverAsync((await processes.Store.Leases.GetAsync("workflow:run"))!, "another", TimeSpan.FromHours(1));

        await PassAsync(processes, rig, seconds: 11);

        (await FluentActions.Awaiting(() => run.Completion.WaitAsync(Limit)).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should()
            .Be(ErrorCodes.LeaseLost);
    }

    /// <summary>A step that cannot be written is tried again as long as the lease may be held, too.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(21)]
    public async Task Commit_FailsAndWorksAgainInTime_TheRunGoesOn(int secondsUntilTheTaskEnds)
    {
        await using var processes = new Processes();
        var release = new TaskCompletionSource();
        var (rig, store) = await StartAsync(processes, async (_, _) =>
        {
            await release.Task;
            return "done";
        });
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the task to run");
        store.Trouble["TryRenewAsync"] = store.Trouble["CommitWorkflowAsync"] = Unavailable;
        await PassAsync(processes, rig, secondsUntilTheTaskEnds);
        release.SetResult();
        await PassAsync(processes, rig, 24 - secondsUntilTheTaskEnds);
        store.Trouble.Clear();

        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
        rig.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == Lost);
    }

    /// <summary>A process that is paused just after the commit of a task's start finds the run another's, before it has heard of that otherwise.</summary>
    [Fact]
    public async Task Task_OwnerIsPausedAfterTheCommitOfItsStart_DoesNotBegin()
    {
        await using var processes = new Processes();
        var (ran, asked, never) = (0, 0, new TaskCompletionSource());
        var store = new TroubledStateManager(processes.Store);

        // The keeper of the lease, which asks first, gets no answer.
        store.Trouble["TryRenewAsync"] = () => ++asked == 1 ? never.Task : Task.CompletedTask;
        PausedStore paused = null!;
        var rig = await processes.StartAsync(wrap: _ => paused = new PausedStore(store));
        paused.AfterStart = async () =>
        {
            processes.LetLeasesRunOut();
            await processes.Store.Leases.TryAcquireAsync("workflow:run", "another", TimeSpan.FromMinutes(5));
            rig.Time.Advance(TimeSpan.FromSeconds(25));
            await Rig.UntilAsync(() => asked == 1, "the keeper to ask");
        };
        await rig.AddAsync(_ => TaskData.From(++ran));
        await using var run = await rig.Engine.StartWorkflowAsync(One, Run);

        (await FluentActions.Awaiting(() => run.Completion.WaitAsync(Limit)).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should()
            .Be(ErrorCodes.LeaseLost);

        ran.Should().Be(0);
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

    private sealed class PausedStore(StateManager inner) : DelegatingStateManager(inner)
    {
        public Func<Task>? AfterStart { get; set; }

        public override DurabilityLevel Durability => DurabilityLevel.ProcessCrash;

        protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
        {
            var version = await base.CommitWorkflowCoreAsync(transition, cancellationToken);
            if (transition.Events.Any(static happening => happening.Kind == WorkflowEventKind.TaskStarted))
            {
                await AfterStart!();
            }

            return version;
        }
    }
}
