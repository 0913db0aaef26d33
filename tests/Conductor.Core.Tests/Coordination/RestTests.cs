using System.Collections.Concurrent;
using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Dispatches that a policy denies for the time being look again when that may help, and rest otherwise.</summary>
public sealed class RestTests
{
    private const int Dispatches = 16;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(15);

    /// <summary>All are judged side by side, and none has a place: what one gives back must not have the next look, and that one the first.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_SeveralDeniedByAPolicyThatTakesItsTime_RestUntilTheInterval()
    {
        var policy = new SlowWindow();
        await using var rig = await Rig.StartAsync(
            new RigOptions { Policies = [policy], Dispatch = new DispatchOptions { PolicyRecheckInterval = _interval } });
        using var opening = policy;
        for (var i = 0; i < Dispatches; i++)
        {
            await rig.AddAsync(_ => TaskData.Empty);
        }

        var all = Enumerable.Range(0, Dispatches).Select(_ => rig.DispatchAsync()).ToList();
        await policy.AnswerAsync(Dispatches);
        var atFirst = await policy.AnswerUntilAllRestAsync(rig, Dispatches);
        atFirst.Should()
            .BeLessThanOrEqualTo(3 * Dispatches, "each is judged once, once more where another was in its way, and a few times for what follows from that");
        rig.Time.Advance(_interval);
        await policy.AnswerAsync(Dispatches);
        var thereafter = await policy.AnswerUntilAllRestAsync(rig, Dispatches) - atFirst;

        thereafter.Should().BeLessThanOrEqualTo(3 * Dispatches);
        policy.Dispose();
        await rig.DriveAsync(Task.WhenAll(all), _interval);
    }

    /// <summary>What one reserved while it was denied for another reason was in the way of the other, and nothing runs that would wake that one.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_OnlyAReservationGivenBackWasInItsWay_BeginsWithoutAnInterval()
    {
        var policy = new SlowWindow { Concerns = static task => task.Id == "denied" };
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            Policies = [policy, new MaxConcurrentTasksPolicy(1)],
            Dispatch = new DispatchOptions { PolicyRecheckInterval = _interval },
        });
        using var opening = policy;
        await rig.AddAsync(_ => TaskData.Empty);
        await rig.AddAsync(_ => TaskData.Empty);
        var denied = rig.DispatchAsync(Rig.NewTask() with { Id = "denied" });
        await Rig.UntilAsync(() => policy.Asked == 1, "the first to be judged");

        var allowed = rig.DispatchAsync(Rig.NewTask() with { Id = "allowed" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait for the place of the first");
        await policy.AnswerAsync(1);

        await Rig.UntilAsync(() => allowed.IsCompleted, "the second to run");
        (await allowed).IsSuccess.Should().BeTrue();
        denied.IsCompleted.Should().BeFalse();
        policy.Dispose();
        await rig.DriveAsync(denied, _interval);
    }

    /// <summary>The first of those that wait are woken and do not begin after all, one after the other: what came free is for the next.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ThoseWhoAreWokenFirstDoNotBegin_TheNextDoes(bool areCancelled)
    {
        var policy = new SlowWindow { Concerns = static task => task.Id is "w0" or "w1" };
        policy.Dispose();
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            Policies = [new MaxConcurrentTasksPolicy(1), policy],
            Dispatch = new DispatchOptions { PolicyRecheckInterval = _interval },
        });
        using var opening = policy;
        var release = new TaskCompletionSource();
        for (var i = 0; i < 4; i++)
        {
            await rig.AddAsync(async (task, _) =>
            {
                await (task.Task.Id == "first" ? release.Task : Task.CompletedTask);
                return TaskData.Empty;
            });
        }

        var first = rig.DispatchAsync(Rig.NewTask() with { Id = "first" });
        var cancellations = Enumerable.Range(0, 3).Select(static _ => new CancellationTokenSource()).ToList();
        var waiting = new List<Task<TaskResult>>();
        for (var i = 0; i < 3; i++)
        {
            waiting.Add(rig.DispatchAsync(Rig.NewTask() with { Id = $"w{i}" }, cancellations[i].Token));
            await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == i + 1, "it to wait");
        }

        policy.Close(forGood: !areCancelled);
        release.SetResult();
        await first;
        for (var i = 0; i < 2; i++)
        {
            await Rig.UntilAsync(() => policy.Asked == i + 1, "it to be judged");
            await (areCancelled ? cancellations[i].CancelAsync() : policy.AnswerAsync(1));
        }

        await Rig.UntilAsync(() => waiting[2].IsCompleted, "the last to run");
        (await waiting[2]).IsSuccess.Should().BeTrue();
        await Rig.UntilAsync(() => waiting[..2].TrueForAll(static dispatch => dispatch.IsFaulted || dispatch.IsCanceled), "the others to be over");
    }

    /// <summary>Denies while it is closed, and answers when it is told to.</summary>
    private sealed class SlowWindow : Policy<DispatchPolicyContext>, IDisposable
    {
        private readonly ConcurrentQueue<TaskCompletionSource> _open = new();
        private int _asked;
        private volatile bool _isOpen;
        private bool _isForGood;

        public override string Name => "slow_window";

        public override string Description => "A window that takes its time.";

        public Func<TaskDefinition, bool> Concerns { get; init; } = static _ => true;

        public int Asked => Volatile.Read(ref _asked);

        public async Task AnswerAsync(int expected)
        {
            await Rig.UntilAsync(() => _open.Count >= expected, $"{expected} to be judged");

            // No more than these: an answer may have the next one judged at once.
            for (var i = 0; i < expected && _open.TryDequeue(out var answer); i++)
            {
                answer.SetResult();
            }
        }

        /// <returns>How often it was asked until then.</returns>
        public async Task<int> AnswerUntilAllRestAsync(Rig rig, int dispatches)
        {
            await Rig.UntilAsync(
                () =>
                {
                    Answer();
                    return (rig.Coordinator.WaitingTasks == dispatches && _open.IsEmpty) || Asked > 100 * Dispatches;
                },
                "all to rest");
            for (var looks = 0; looks < 20; looks++)
            {
                await Rig.SettleAsync();
                Answer();
            }

            return Asked;
        }

        public void Close(bool forGood) => (_isForGood, _isOpen) = (forGood, false);

        /// <summary>Opens it.</summary>
        public void Dispose()
        {
            _isOpen = true;
            Answer();
        }

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (!Concerns(context.Task) || _isOpen)
            {
                return Allowed;
            }

            Interlocked.Increment(ref _asked);
            var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _open.Enqueue(answer);
            await answer.Task.WaitAsync(cancellationToken);
            return _isOpen ? Allowed : Denied("closed", isTransient: !_isForGood);
        }

        private void Answer()
        {
            while (_open.TryDequeue(out var answer))
            {
                answer.SetResult();
            }
        }
    }
}
