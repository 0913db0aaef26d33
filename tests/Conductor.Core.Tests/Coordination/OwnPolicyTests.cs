using System.Collections.Concurrent;
using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>
/// Policies of an application's own deny some tasks, or some agents, for the time being, and take their time: what others may have meanwhile they have at
/// once, and not at the next interval, which never comes here.
/// </summary>
public sealed class OwnPolicyTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _asked = new();
    private readonly ConcurrentQueue<string> _begun = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _ends = new();

    /// <summary>Another task runs on, whose end would tell.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_OneThatIsDeniedForAnotherReasonLeavesItsPlace_ThePlaceIsForWhoeverWasDeniedForIt()
    {
        var answer = new TaskCompletionSource();
        await using var rig = await StartAsync(
            async (task, _) =>
            {
                if (task == "denied")
                {
                    await answer.Task;
                }

                return task != "denied";
            },
            new MaxConcurrentTasksPolicy(2));
        await AddAsync(rig, "a", "b", "c");
        var running = Dispatch(rig, "running");
        await Rig.UntilAsync(() => _begun.Count == 1, "the first to run");
        var denied = Dispatch(rig, "denied");
        await Rig.UntilAsync(() => _asked.Contains("denied: b"), "the second to be judged");
        var waiting = Dispatch(rig, "waiting");
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the third to wait");

        answer.SetResult();

        await Rig.UntilAsync(() => _begun.Contains("waiting: b"), "the third to begin");
        End("running", "waiting");
        await Task.WhenAll(running, waiting).WaitAsync(_limit);
        denied.IsCompleted.Should().BeFalse();
    }

    /// <summary>What the first was denied for may have come free while the second was judged.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_ATaskEndsBetweenTheLooksAtTwoCandidates_TheFirstIsJudgedAgain()
    {
        var (answer, isFull) = (new TaskCompletionSource(), true);
        await using var rig = await StartAsync(async (task, agent) =>
        {
            if (task == "task" && agent == "c")
            {
                await answer.Task;
            }

            return task != "task" || (agent == "b" && !Volatile.Read(ref isFull));
        });
        await AddAsync(rig, "a", "b", "c");
        var running = Dispatch(rig, "running");
        await Rig.UntilAsync(() => _begun.Count == 1, "the first to run");
        var task = Dispatch(rig, "task");
        await Rig.UntilAsync(() => _asked.Contains("task: c"), "the second candidate to be judged");
        Volatile.Write(ref isFull, false);
        End("running");
        await running.WaitAsync(_limit);

        answer.SetResult();

        await Rig.UntilAsync(() => _begun.Contains("task: b"), "it to begin with the first candidate");
        End("task");
        await task.WaitAsync(_limit);
    }

    /// <summary>It was in the hands of the other while this one was denied all that were left.</summary>
    [Theory]
    [Trait("Behaviour", "2")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DispatchTaskAsync_OneThatIsRefusedAnAgentGivesItBack_TheAgentIsForWhoeverWasDeniedTheOthers(bool isTransient)
    {
        var answer = new TaskCompletionSource();
        await using var rig = await StartAsync(
            async (task, agent) =>
            {
                if (task == "refused" && agent == "b")
                {
                    await answer.Task;
                }

                return (task, agent) is not ("refused", "b") and not ("waiting", "c");
            },
            isTransient: task => isTransient || task != "refused");
        await AddAsync(rig, "a", "b", "c");
        var running = Dispatch(rig, "running");
        await Rig.UntilAsync(() => _begun.Count == 1, "the first to run");
        var refused = Dispatch(rig, "refused");
        await Rig.UntilAsync(() => _asked.Contains("refused: b"), "the second to be judged");
        var waiting = Dispatch(rig, "waiting");
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the third to wait");

        answer.SetResult();

        await Rig.UntilAsync(() => _begun.Contains("refused: c") && _begun.Contains("waiting: b"), "both to begin");
        End("running", "refused", "waiting");
        await Task.WhenAll(running, refused, waiting).WaitAsync(_limit);
    }

    /// <summary>Both are refused both agents, which each has in its hands while the other is judged: they do not wake each other for ever.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_TwoAreRefusedTheSameAgentsSideBySide_RestUntilTheInterval()
    {
        await using var rig = await StartAsync(async (_, _) =>
        {
            await Task.Yield();
            return false;
        });
        await AddAsync(rig, "a", "b");
        var dispatches = Enumerable.Range(0, 20).Select(i => Dispatch(rig, $"task-{i}")).ToList();

        await Rig.UntilAsync(() => rig.Coordinator is { WaitingTasks: 20, RunningTasks: 0 }, "them to rest");

        await Rig.SettleAsync();
        rig.Coordinator.WaitingTasks.Should().Be(20);
        _asked.Count.Should().BeLessThan(20 * 20);
        dispatches.Should().NotContain(static dispatch => dispatch.IsCompleted);
    }

    [Theory]
    [Trait("Behaviour", "3")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UnregisterAgentAsync_ATaskWaitsForCapacityAndTheLastOfItsTypeGoes_IsToldAtOnce(bool isOfLimit)
    {
        await using var rig = await StartAsync((task, _) => Task.FromResult(isOfLimit || task == "running"), new MaxConcurrentTasksPolicy(1));
        await AddAsync(rig, "a");
        await AddAsync(rig, AgentType.Review, "b");
        var running = Dispatch(rig, "running", type: AgentType.Review);
        await Rig.UntilAsync(() => _begun.Count == 1, "the first to run");
        var waiting = Dispatch(rig, "waiting");
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");

        await rig.Coordinator.UnregisterAgentAsync("a");

        await FluentActions.Awaiting(() => waiting.WaitAsync(_limit)).Should().ThrowAsync<NoAvailableAgentException>();
        End("running");
        await running.WaitAsync(_limit);
    }

    /// <summary>
    /// The one that is served first is judged first when a place comes free, and denied. Meanwhile the place is for the next. Seldom one
    /// passes that has looked before it was promised (decision 23), and never two; without what is tested here, some do each time.
    /// </summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_CallerInALoopBesideOneThatWaitsBehindADeniedOne_DoesNotPassIt()
    {
        var passed = 0;
        for (var round = 0; round < 10; round++)
        {
            passed += await new OwnPolicyTests().IsPassedByALoopAsync() ? 1 : 0;
        }

        passed.Should().BeLessThan(3);
    }

    private async Task<bool> IsPassedByALoopAsync()
    {
        await using var rig = await StartAsync((task, _) => Task.FromResult(task != "denied"), new MaxConcurrentTasksPolicy(1));
        await AddAsync(rig, "a", "b", "c");
        var denied = Dispatch(rig, "denied", TaskPriority.Critical);
        await Rig.UntilAsync(() => rig.Coordinator is { WaitingTasks: 1, RunningTasks: 0 }, "the first to wait");
        for (var i = 1; i < 200; i++)
        {
            End($"loop-{i}");
        }

        var loop = Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                await rig.Coordinator.DispatchTaskAsync(Rig.NewTask() with { Id = $"loop-{i}", Priority = TaskPriority.Low });
            }
        });
        await Rig.UntilAsync(() => _begun.Count == 1, "the loop to begin");
        var waiting = Dispatch(rig, "waiting");
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "the second to wait");

        End("waiting", "loop-0");

        await Task.WhenAll(waiting, loop).WaitAsync(_limit);
        denied.IsCompleted.Should().BeFalse();
        var order = _begun.Select(static begun => begun.Split(':')[0]).ToList();
        order.Should().HaveCount(201).And.StartWith("loop-0");
        order.IndexOf("waiting").Should().BeLessThan(3, "one may have looked before, and no more");
        return order[1] != "waiting";
    }

    private static Task<TaskResult> Dispatch(Rig rig, string id, TaskPriority priority = TaskPriority.Medium, AgentType? type = null) =>
        rig.DispatchAsync(Rig.NewTask(type) with { Id = id, Priority = priority });

    private Task<Rig> StartAsync(Func<string, string, Task<bool>> allows, Policy? other = null, Func<string, bool>? isTransient = null)
    {
        var rule = new Rule(this, allows, isTransient ?? (static _ => true));
        return Rig.StartAsync(new RigOptions
        {
            Policies = other is null ? [rule] : [rule, other],
            Dispatch = new DispatchOptions { PolicyRecheckInterval = TimeSpan.FromHours(1) },
        });
    }

    private Task AddAsync(Rig rig, params string[] ids) => AddAsync(rig, AgentType.Coding, ids);

    private async Task AddAsync(Rig rig, AgentType type, params string[] ids)
    {
        foreach (var id in ids)
        {
            await rig.AddAsync(
                async (task, token) =>
                {
                    _begun.Enqueue($"{task.Task.Id}: {id}");
                    await EndOf(task.Task.Id).Task.WaitAsync(token);
                    return TaskData.Empty;
                },
                type,
                id);
        }
    }

    private TaskCompletionSource EndOf(string task) => _ends.GetOrAdd(task, static _ => new TaskCompletionSource());

    private void End(params string[] tasks) => Array.ForEach(tasks, task => EndOf(task).SetResult());

    private sealed class Rule(OwnPolicyTests test, Func<string, string, Task<bool>> allows, Func<string, bool> isTransient) : Policy<DispatchPolicyContext>
    {
        public override string Name => "rule";

        public override string Description => "A rule of an application's.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            var (task, agent) = (context.Task.Id, context.Candidate!.Id);
            test._asked.Enqueue($"{task}: {agent}");
            return await allows(task, agent).WaitAsync(cancellationToken) ? Allowed : Denied("not now", isTransient(task));
        }
    }
}
