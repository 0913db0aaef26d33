using Conductor.Agents;
using Conductor.Coordination;
using Conductor.State;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Coordination;

/// <summary>One at a time replays a letter, for as long as it takes; and nobody for long once its process died.</summary>
public sealed class ReplayLeaseTests
{
    private const int NotRenewed = 1350;
    private const int NotReleased = 1352;

    private static readonly TimeSpan _third = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _renewals;

    [Fact]
    public async Task ReplayDeadLetterAsync_ProcessDiedDuringAReplay_CanBeReplayedHalfAMinuteLater()
    {
        await using var processes = new Processes();
        var dead = await processes.StartAsync();
        await dead.AddAsync(UntilTheEndAsync);
        await SaveLetterAsync(processes.Store);
        var lost = dead.Coordinator.ReplayDeadLetterAsync("d").AsTask();
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the replay");
        var heir = await processes.StartAsync();
        await heir.AddAsync(_ => "done");

        await FluentActions.Awaiting(() => heir.Coordinator.ReplayDeadLetterAsync("d").AsTask()).Should().ThrowAsync<TaskValidationException>()
            .WithMessage("*already*");
        processes.LetLeasesRunOut();

        (await heir.Coordinator.ReplayDeadLetterAsync("d")).Output.Get<string>().Should().Be("done");
        _end.SetResult();
        await lost;
    }

    /// <summary>By the store's clock the dead owner holds it for a day yet.</summary>
    [Fact]
    public async Task ReplayDeadLetterAsync_ProcessDiedAndTheStoresClockJumpedBack_CanBeReplayedAfterTwoTermsOfSilence()
    {
        await using var processes = new Processes();
        processes.StoreClock.Advance(TimeSpan.FromDays(1));
        var dead = await processes.StartAsync();
        await dead.AddAsync(UntilTheEndAsync);
        await SaveLetterAsync(processes.Store);
        var lost = dead.Coordinator.ReplayDeadLetterAsync("d").AsTask();
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the replay");
        processes.StoreClock.AdjustTime(processes.StoreClock.GetUtcNow().AddDays(-1));
        var heir = await processes.StartAsync();
        await heir.AddAsync(_ => "done");
        for (var term = 0; term < 2; term++)
        {
            await FluentActions.Awaiting(() => heir.Coordinator.ReplayDeadLetterAsync("d").AsTask()).Should().ThrowAsync<TaskValidationException>()
                .WithMessage("*already*");
            heir.Time.Advance(3 * _third);
        }

        (await heir.Coordinator.ReplayDeadLetterAsync("d")).Output.Get<string>().Should().Be("done");
        _end.SetResult();
        await lost;
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_TakesManyTerms_IsProtectedUntilItsEnd()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;

        for (var turn = 1; turn <= 20; turn++)
        {
            await RenewedAsync(rig, turn);
            await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync("d").AsTask()).Should().ThrowAsync<TaskValidationException>()
                .WithMessage("*already*");
        }

        _end.SetResult();
        (await replay).IsSuccess.Should().BeTrue();
        (await store.Leases.GetAsync("replay:d")).Should().BeNull();
        (await store.GetDeadLetterAsync("d")).Should().BeNull();
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_IsOver_RenewsNoMore()
    {
        var (rig, _, replay) = await ReplayAsync();
        await using var disposal = rig;
        await RenewedAsync(rig, 1);
        _end.SetResult();
        await replay;

        await PassAsync(rig, turns: 10);

        _renewals.Should().Be(1);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_StoreInTrouble_GoesOnAndTheLogSaysSo()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        store.Trouble["TryRenewAsync"] = StoreTrouble.Unavailable;
        store.Trouble["ReleaseAsync"] = StoreTrouble.Unavailable;
        await PassAsync(rig, turns: 10);
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == NotRenewed), "the log to say so");

        _end.SetResult();

        (await replay).IsSuccess.Should().BeTrue();
        (await store.GetDeadLetterAsync("d")).Should().BeNull();
        rig.Logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == NotReleased);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_StoreDoesNotTakeTheLeaseBack_IsOverAllTheSame()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        store.Trouble["ReleaseAsync"] = static () => Task.Delay(Timeout.Infinite);

        _end.SetResult();

        (await rig.DriveAsync(replay)).IsSuccess.Should().BeTrue();
        rig.Logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == NotReleased);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_StoreHangs_IsOverAllTheSame()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        var never = new TaskCompletionSource();
        store.Trouble["TryRenewAsync"] = () =>
        {
            Interlocked.Increment(ref _renewals);
            return never.Task;
        };
        await RenewedAsync(rig, 1);

        _end.SetResult();

        (await replay).IsSuccess.Should().BeTrue();
        never.SetResult();
    }

    /// <summary>Whoever took it runs the task from its begin: what is done here is done twice, and its end is theirs.</summary>
    [Fact]
    public async Task ReplayDeadLetterAsync_AnotherHasTakenIt_EndsWithLeaseLostAndLeavesTheLetter()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        var held = (await store.Leases.GetAsync("replay:d"))!;
        var other = (await store.Leases.TryTakeOverAsync(held, "another", TimeSpan.FromHours(1)))!;

        await RenewedAsync(rig, 1);

        (await FluentActions.Awaiting(() => replay).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 0, "the task to be cancelled");
        (await store.GetDeadLetterAsync("d")).Should().NotBeNull();
        other.IsSameTaking(await store.Leases.GetAsync("replay:d")).Should().BeTrue("the other holds it still");
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_CallerCancels_IsCancelledAndGivesTheLeaseBack()
    {
        using var source = new CancellationTokenSource();
        var (rig, store, replay) = await ReplayAsync(source.Token);
        await using var disposal = rig;

        await source.CancelAsync();

        (await FluentActions.Awaiting(() => replay).Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(source.Token);
        (await store.Leases.GetAsync("replay:d")).Should().BeNull();
        (await store.GetDeadLetterAsync("d")).Should().NotBeNull();
    }

    [Fact]
    public async Task StopAsync_WithoutTimeAndTheStoreHangs_EndsTheRenewal()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        var saving = new TaskCompletionSource();
        var hang = new TaskCompletionSource();
        store.Trouble["SaveTaskResultAsync"] = () =>
        {
            saving.TrySetResult();
            return hang.Task;
        };
        _end.SetResult();
        await saving.Task;
        await RenewedAsync(rig, 1);

        await rig.DriveAsync(rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask());
        await Rig.SettleAsync();
        var renewals = _renewals;
        await PassAsync(rig, turns: 10);

        _renewals.Should().Be(renewals);
        (await FluentActions.Awaiting(() => replay).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        hang.SetResult();
    }

    [Fact]
    public async Task StopAsync_ReplayIsBeingRecorded_WaitsForIt()
    {
        var (rig, store, replay) = await ReplayAsync();
        await using var disposal = rig;
        var saving = new TaskCompletionSource();
        var mayGoOn = new TaskCompletionSource();
        store.Trouble["SaveTaskResultAsync"] = () =>
        {
            saving.TrySetResult();
            return mayGoOn.Task;
        };
        _end.SetResult();
        await saving.Task;

        var stop = rig.Coordinator.StopAsync().AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse();
        mayGoOn.SetResult();

        await rig.DriveAsync(stop);
        replay.IsCompletedSuccessfully.Should().BeTrue();
        (await store.GetDeadLetterAsync("d")).Should().BeNull();
    }

    [Fact]
    public async Task StopAsync_ReplayIsAbandoned_CountsOne()
    {
        var (rig, _, replay) = await ReplayAsync();
        await using var disposal = rig;

        await rig.DriveAsync(rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask());

        await FluentActions.Awaiting(() => replay).Should().ThrowAsync<OperationCanceledException>();
        rig.Logs.GetSnapshot().Single(static record => record.Id.Id == 1331).Message.Should().Contain("; 1 dispatch(es)");
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_Stopped_SaysSoAndLeasesNothing()
    {
        var store = new InMemoryStateManager();
        await using var rig = await Rig.StartAsync(new RigOptions { State = _ => store });
        await SaveLetterAsync(store);
        await rig.Coordinator.StopAsync();

        await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync("d").AsTask()).Should().ThrowAsync<InvalidOperationException>()
            .WithMessage("*stopped*");

        ((InMemoryLeaseStore)store.Leases).Count.Should().Be(0);
    }

    [Fact]
    public async Task ReplayDeadLetterAsync_Many_LeaveNoLeases()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => "done");

        for (var i = 0; i < 20; i++)
        {
            await SaveLetterAsync(rig.State, $"d{i}");
            await rig.Coordinator.ReplayDeadLetterAsync($"d{i}");
            await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync($"no such letter {i}").AsTask()).Should()
                .ThrowAsync<TaskValidationException>();
        }

        ((InMemoryLeaseStore)rig.State.Leases).Count.Should().Be(0);
    }

    /// <summary>Who looked for a letter while another replayed it must not replay it once more.</summary>
    [Fact]
    public async Task ReplayDeadLetterAsync_AnotherReplayEndsBeforeItIsLeased_IsNotRunAgain()
    {
        TroubledStateManager? store = null;
        await using var rig = await Rig.StartAsync(
            new RigOptions { State = environment => store = new TroubledStateManager(new InMemoryStateManager(environment)) });
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs));
        await SaveLetterAsync(rig.State);
        store!.Trouble["TryAcquireAsync"] = async () =>
        {
            store.Trouble.Clear();
            await rig.Coordinator.ReplayDeadLetterAsync("d");
        };

        await FluentActions.Awaiting(() => rig.Coordinator.ReplayDeadLetterAsync("d").AsTask()).Should().ThrowAsync<TaskValidationException>()
            .WithMessage("*no dead letter*");

        runs.Should().Be(1);
        ((InMemoryLeaseStore)store.Store.Leases).Count.Should().Be(0);
    }

    /// <summary>The machine was suspended: the moment has passed at which the lease was to be renewed, and nothing here has heard of it.</summary>
    [Fact]
    public async Task EnsureOwnsAsync_PausedUntilAnotherReplaysTheLetter_SaysSo()
    {
        await using var processes = new Processes();
        await processes.Store.ConnectAsync();
        var time = new PausedTime();
        var lease = await ReplayLease.TryTakeAsync(
            processes.Store.Leases, new WatchedLeases(time, ReplayLease.Term), "d", "paused", time, NullLogger.Instance, default, default);
        await using var disposal = lease!;
        await lease!.EnsureOwnsAsync();
        processes.LetLeasesRunOut();
        (await processes.Store.Leases.TryAcquireAsync("replay:d", "other", TimeSpan.FromSeconds(30))).Should().NotBeNull();
        time.Passed = TimeSpan.FromSeconds(31);

        await FluentActions.Awaiting(() => lease.EnsureOwnsAsync().AsTask()).Should().ThrowAsync<OperationCanceledException>();

        lease.Ending.IsCancellationRequested.Should().BeTrue();
    }

    [Fact]
    public async Task ReplayDeadLettersAsync_TheCoordinatorStopsMeanwhile_GivesWhatWasDone()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(UntilTheEndAsync);
        foreach (var id in "abc")
        {
            await SaveLetterAsync(rig.State, $"{id}");
        }

        var replays = rig.Coordinator.ReplayDeadLettersAsync().AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the first replay");
        var stop = rig.Coordinator.StopAsync().AsTask();
        _end.SetResult();

        (await replays).Should().ContainSingle().Which.IsSuccess.Should().BeTrue();
        await stop;
        (await rig.State.ListDeadLettersAsync()).Items.Should().HaveCount(2);
    }

    private static Task SaveLetterAsync(StateManager store, string id = "d") => store.SaveDeadLetterAsync(
        new ErrorRecord { Id = id, Code = "X", Message = "m", Timestamp = DateTimeOffset.UnixEpoch,
            Task = Rig.NewTask() with { Timeout = TimeSpan.FromHours(1) } }).AsTask();

    private static async Task PassAsync(Rig rig, int turns)
    {
        for (var turn = 0; turn < turns; turn++)
        {
            rig.Time.Advance(_third);
            await Rig.SettleAsync();
        }
    }

    /// <summary>A replay under way, on a store that counts how often its lease is renewed.</summary>
    private async Task<(Rig Rig, TroubledStateManager Store, Task<TaskResult> Replay)> ReplayAsync(CancellationToken cancellationToken = default)
    {
        TroubledStateManager? store = null;
        var rig = await Rig.StartAsync(new RigOptions { State = environment => store = new TroubledStateManager(new InMemoryStateManager(environment)) });
        store!.Trouble["TryRenewAsync"] = () =>
        {
            Interlocked.Increment(ref _renewals);
            return Task.CompletedTask;
        };
        await rig.AddAsync(UntilTheEndAsync);
        await SaveLetterAsync(store);
        var replay = rig.Coordinator.ReplayDeadLetterAsync("d", cancellationToken: cancellationToken).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the replay");
        return (rig, store, replay);
    }

    private async Task RenewedAsync(Rig rig, int times)
    {
        rig.Time.Advance(_third);
        await Rig.UntilAsync(() => Volatile.Read(ref _renewals) >= times, "the lease to be renewed");
        await Rig.SettleAsync();
    }

    private async ValueTask<TaskData> UntilTheEndAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await _end.Task.WaitAsync(cancellationToken);
        return "done";
    }

    /// <summary>Goes on without its timers.</summary>
    private sealed class PausedTime : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Passed.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new FakeTimeProvider().CreateTimer(callback, state, dueTime, period);
    }
}
