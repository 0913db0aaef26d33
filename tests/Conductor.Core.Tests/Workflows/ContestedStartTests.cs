using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>Starts of one id by several processes, one of which is paused, or dies, in the middle of it.</summary>
public sealed class ContestedStartTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StartWorkflowAsync_PausedBeforeItsFirstCommit_FollowsTheRunThatAnotherStarts(bool otherIsSlow)
    {
        await using var processes = new Processes();
        var (paused, pausedStore) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("paused"));
        var goOn = HoldCommit(pausedStore);
        var start = paused.Engine.StartWorkflowAsync(One, Run).AsTask();
        await goOn.Held.WaitAsync(Limit);
        processes.LetLeasesRunOut();
        var (other, otherStore) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("other"));
        var commit = HoldCommit(otherStore);
        var otherStart = other.Engine.StartWorkflowAsync(One, Run).AsTask();
        await commit.Held.WaitAsync(Limit);
        if (!otherIsSlow)
        {
            commit.Release();
            await other.DriveAsync((await otherStart).Completion);
        }

        goOn.Release();
        await Rig.SettleAsync();
        commit.Release();

        await using var run = await paused.DriveAsync(start);
        await other.DriveAsync((await otherStart).Completion);
        (await paused.DriveAsync(run.Completion)).TaskResults["task"].Output.Get<string>().Should().Be("other");
    }

    /// <summary>While a process stands still, a store has no time to answer.</summary>
    [Fact]
    public async Task StartWorkflowAsync_PausedWhileItsFirstCommitIsUnderWay_WaitsForTheAnswerOnceMore()
    {
        await using var processes = new Processes();
        var (rig, store) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));
        var commit = HoldCommit(store);
        var start = rig.Engine.StartWorkflowAsync(One, Run).AsTask();
        await commit.Held.WaitAsync(Limit);

        rig.Time.Advance(TimeSpan.FromHours(1));
        await Rig.SettleAsync();
        commit.Release();

        await using var run = await start.WaitAsync(Limit);
        (await rig.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task StartWorkflowAsync_OwnerDiedBeforeItsFirstCommitAndTheStoresClockJumpedBack_StartsAfterTwoTermsOfSilence()
    {
        await using var processes = new Processes();
        processes.StoreClock.Advance(TimeSpan.FromDays(1));
        var (dead, store) = await StartAsync(processes, Stuck);
        var commit = HoldCommit(store);
        _ = dead.Engine.StartWorkflowAsync(One, Run).AsTask();
        await commit.Held.WaitAsync(Limit);
        processes.StoreClock.AdjustTime(processes.StoreClock.GetUtcNow().AddDays(-1));
        var (heir, _) = await StartAsync(processes, static (_, _) => new ValueTask<TaskData>("done"));

        var run = await heir.DriveAsync(heir.Engine.StartWorkflowAsync(One, Run).AsTask(), TimeSpan.FromSeconds(1));

        (await heir.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
        commit.Release();
    }

    private static HeldCommit HoldCommit(TroubledStateManager store)
    {
        var held = new HeldCommit();
        store.Trouble["CommitWorkflowAsync"] = held.WaitAsync;
        return held;
    }

    /// <summary>The first commit waits until it is released.</summary>
    private sealed class HeldCommit
    {
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Held => _held.Task;

        public Task WaitAsync()
        {
            _held.TrySetResult();
            return _released.Task;
        }

        public void Release() => _released.TrySetResult();
    }
}
