using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>However many wait for what a policy denies for the time being, few are judged again at an interval, and none is forgotten.</summary>
public sealed class ManyWaitersTests
{
    private const int Waiters = 2_000;
    private const int MostLooks = 256;

    private static readonly TimeSpan _interval = DispatchOptions.DefaultInterval;

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ManyWaitForAPlace_OneLooksForAllAtAnInterval()
    {
        var judged = new Rule();
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [judged, new MaxConcurrentTasksPolicy(1)] });
        var release = new TaskCompletionSource();
        await AddAgentsAsync(rig, 2, release.Task);
        var all = await DispatchAsync(rig, 1 + Waiters, static i => Rig.NewTask() with { Priority = (TaskPriority)(i % 4) });
        judged.Asked = 0;

        for (var interval = 0; interval < 5; interval++)
        {
            await AdvanceAsync(rig, all);
        }

        judged.Asked.Should().BeInRange(1, 5);
        rig.Coordinator.WaitingTasks.Should().Be(Waiters);
        release.SetResult();
        (await Task.WhenAll(all)).Should().OnlyContain(static result => result.IsSuccess);
    }

    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_APolicyOfOnesOwnDeniesMany_JudgesSomeAtAnInterval()
    {
        var rule = new Rule { IsOpen = false };
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [rule] });
        await AddAgentsAsync(rig, 2, Task.CompletedTask);
        var all = await DispatchAsync(rig, Waiters);
        rule.Asked = 0;

        await AdvanceAsync(rig, all);

        rule.Asked.Should()
            .BeInRange(MostLooks, 3 * MostLooks, "each is judged once, once more where another was in its way, and a few for what follows from that");
        rule.IsOpen = true;
        await rig.DriveAsync(Task.WhenAll(all));
    }

    /// <summary>The policy denies all but one, which is neither the first nor among those that are judged at the first interval.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_OneOfManyIsAllowedBehindOthersThatAreNot_HasItsTurn()
    {
        var rule = new Rule { IsOpen = false };
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [rule] });
        await AddAgentsAsync(rig, 2, Task.CompletedTask);
        var all = await DispatchAsync(rig, Waiters, static i => Rig.NewTask() with { Id = $"task-{i}" });
        rule.Exempt = $"task-{Waiters - 1}";

        for (var interval = 0; interval < (Waiters / MostLooks) + 2; interval++)
        {
            await AdvanceAsync(rig, all);
        }

        (await all[^1]).IsSuccess.Should().BeTrue();
        all[..^1].Should().NotContain(static dispatch => dispatch.IsCompleted);
        rule.IsOpen = true;
        await rig.DriveAsync(Task.WhenAll(all));
    }

    /// <summary>No task ends, so nothing but the interval tells that the policy allows them now.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ThePolicyAllowsManyAtOnce_AllBeginAtTheNextInterval()
    {
        var rule = new Rule { IsOpen = false };
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [rule] });
        var release = new TaskCompletionSource();
        await AddAgentsAsync(rig, 2 * MostLooks, release.Task);
        var all = await DispatchAsync(rig, 2 * MostLooks);
        rule.IsOpen = true;

        rig.Time.Advance(_interval);

        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 2 * MostLooks, "all to begin");
        release.SetResult();
        await Task.WhenAll(all);
    }

    /// <summary>While they are judged again, others take what places there are in the queue.</summary>
    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_TheQueueIsFullWhenItComesBackFromALook_IsNotRefused()
    {
        var rule = new Rule { IsOpen = false };
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [rule], Dispatch = new DispatchOptions { QueueCapacity = 1 } });
        await AddAgentsAsync(rig, 2, Task.CompletedTask);
        var first = rig.DispatchAsync(Rig.NewTask() with { Id = "first" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the first to wait");
        var answer = new TaskCompletionSource();
        (rule.Slow, rule.Answer) = ("first", answer.Task);
        rig.Time.Advance(_interval);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 0, "the first to be judged");
        var second = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");

        answer.SetResult();

        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2 || first.IsCompleted, "the first to be back");
        rule.IsOpen = true;
        await rig.DriveAsync(Task.WhenAll(first, second));
    }

    private static async Task AddAgentsAsync(Rig rig, int count, Task end)
    {
        for (var i = 0; i < count; i++)
        {
            await rig.AddAsync(async (_, token) =>
            {
                await end.WaitAsync(token);
                return TaskData.Empty;
            });
        }
    }

    private static async Task<List<Task<TaskResult>>> DispatchAsync(Rig rig, int count, Func<int, TaskDefinition>? task = null)
    {
        var all = Enumerable.Range(0, count).Select(i => rig.DispatchAsync(task?.Invoke(i) ?? Rig.NewTask())).ToList();
        await RestAsync(rig, all);
        return all;
    }

    private static async Task AdvanceAsync(Rig rig, List<Task<TaskResult>> all)
    {
        rig.Time.Advance(_interval);
        await RestAsync(rig, all);
    }

    /// <summary>Until each of them waits, runs or is over. One that is being judged is none of these.</summary>
    private static async Task RestAsync(Rig rig, List<Task<TaskResult>> all)
    {
        for (var looks = 0; looks < 5; looks++)
        {
            await Rig.SettleAsync();
        }

        await Rig.UntilAsync(
            () => all.Count(static dispatch => dispatch.IsCompleted) + rig.Coordinator.WaitingTasks + rig.Coordinator.RunningTasks == all.Count, "all to rest");
    }

    /// <summary>Denies for the time being while it is closed.</summary>
    private sealed class Rule : Policy<DispatchPolicyContext>
    {
        private int _asked;

        public override string Name => "rule";

        public override string Description => "A rule of an application's.";

        public bool IsOpen { get; set; } = true;

        /// <summary>The task that is allowed all the same.</summary>
        public string? Exempt { get; set; }

        /// <summary>The task whose verdict takes its time, and until when.</summary>
        public string? Slow { get; set; }

        public Task Answer { get; set; } = Task.CompletedTask;

        public int Asked { get => Volatile.Read(ref _asked); set => Volatile.Write(ref _asked, value); }

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _asked);
            if (Slow is not null && context.Task.Id == Slow)
            {
                await Answer.WaitAsync(cancellationToken);
            }

            return IsOpen || context.Task.Id == Exempt ? Allowed : Denied("closed", isTransient: true);
        }
    }
}
