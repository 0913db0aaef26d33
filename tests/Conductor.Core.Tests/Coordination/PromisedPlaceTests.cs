using System.Collections.Concurrent;
using Conductor.Coordination;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Coordination;

/// <summary>A place that comes free is for the one that is woken for it: whoever comes meanwhile gives way, and loses nothing by that.</summary>
public sealed class PromisedPlaceTests
{
    private const int Limit = 4;

    private readonly DispatchCounts _counts = new();
    private readonly CapacityGate _gate;

    public PromisedPlaceTests() => _gate = new CapacityGate(new FakeTimeProvider(), new DispatchOptions(), new WaitingLimit(100, _counts), _counts);

    /// <summary>Whoever dispatches in a loop goes on where its last task ended: before anybody who is woken elsewhere.</summary>
    [Theory]
    [Trait("Behaviour", "4")]
    [InlineData(TaskPriority.Medium)]
    [InlineData(TaskPriority.Low)]
    public async Task DispatchTaskAsync_CallerInALoopBesideOneThatWaits_DoesNotPassIt(TaskPriority priority)
    {
        var release = new TaskCompletionSource();
        var begun = new List<string>();
        await using var rig = await StartAsync(release.Task, begun.Add, new MaxConcurrentTasksPolicy(1));

        var loop = Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                (await rig.Coordinator.DispatchTaskAsync(Rig.NewTask() with { Id = $"loop-{i}", Priority = priority })).IsSuccess.Should().BeTrue();
            }
        });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the loop to begin");
        var waiting = rig.DispatchAsync(Rig.NewTask() with { Id = "waiting" });

        release.SetResult();

        (await waiting.WaitAsync(TimeSpan.FromSeconds(20))).IsSuccess.Should().BeTrue();
        await loop.WaitAsync(TimeSpan.FromSeconds(20));
        begun.Should().HaveCount(101).And.StartWith(["loop-0", "waiting"]);
    }

    /// <summary>Who waits for the agent that comes free with the place is before those that wait for the place alone, if it is more important or came earlier.</summary>
    [Theory]
    [Trait("Behaviour", "4")]
    [InlineData(TaskPriority.Critical, TaskPriority.Low, true)]
    [InlineData(TaskPriority.Low, TaskPriority.Low, true)]
    [InlineData(TaskPriority.Low, TaskPriority.Critical, false)]
    public async Task DispatchTaskAsync_OneWaitsForTheAgentAndAnotherForThePlace_AreServedInOrder(TaskPriority ofAgent, TaskPriority ofPlace, bool isFirst)
    {
        for (var turn = 0; turn < 20; turn++)
        {
            await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
            var begun = new ConcurrentQueue<AgentType>();
            using var gate = new SemaphoreSlim(0);
            foreach (var type in new[] { AgentType.Coding, AgentType.Review })
            {
                await rig.AddAsync(
                    async (_, token) =>
                    {
                        begun.Enqueue(type);
                        await gate.WaitAsync(token);
                        return TaskData.Empty;
                    },
                    type);
            }

            var tasks = new List<Task> { rig.DispatchAsync() };
            await Rig.UntilAsync(() => begun.Count == 1, "the first");
            tasks.Add(rig.DispatchAsync(Rig.NewTask() with { Priority = ofAgent }));
            rig.Time.Advance(TimeSpan.FromMilliseconds(1));
            tasks.Add(rig.DispatchAsync(Rig.NewTask(AgentType.Review) with { Priority = ofPlace }));
            await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "the others");

            gate.Release(3);
            await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(20));

            begun.Should().Equal(AgentType.Coding, isFirst ? AgentType.Coding : AgentType.Review, isFirst ? AgentType.Review : AgentType.Coding);
        }
    }

    /// <summary>What is promised to one that waits for an agent is for others when that agent does not come.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_TheAgentDoesNotComeFreeWithThePlace_ThePlaceIsForOthers()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
        var (stubborn, begun) = (new TaskCompletionSource(), new ConcurrentQueue<string>());
        await rig.AddAsync(async (task, _) =>
        {
            begun.Enqueue(task.Task.Name);
            await stubborn.Task;
            return TaskData.Empty;
        });
        await rig.AddAsync(task => (TaskData)task.Task.Name, AgentType.Review);
        var first = rig.DispatchAsync(Rig.NewTask() with { Name = "first", Retry = new RetrySettings { MaxRetries = 0 } });
        await Rig.UntilAsync(() => begun.Count == 1, "the first");
        var ofAgent = rig.DispatchAsync(Rig.NewTask() with { Name = "agent", Priority = TaskPriority.Critical });
        var ofPlace = rig.DispatchAsync(Rig.NewTask(AgentType.Review) with { Priority = TaskPriority.Low });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 2, "the others");

        (await rig.DriveAsync(first, TimeSpan.FromSeconds(5))).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);

        (await rig.DriveAsync(ofPlace)).IsSuccess.Should().BeTrue();
        begun.Should().ContainSingle();
        stubborn.SetResult();
        (await rig.DriveAsync(ofAgent)).IsSuccess.Should().BeTrue();
    }

    /// <summary>One that waits for the agent is refused it when it comes, and waits for another: the place is for those of its type that may have that one.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_TheAgentThatComesFreeWithThePlaceIsRefused_ThePlaceIsForOthersOfItsTypeToo()
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            Policies = [new OnlyThis("picky", "third"), new MaxConcurrentTasksPolicy(2)],
            Dispatch = new DispatchOptions { PolicyRecheckInterval = TimeSpan.FromHours(1) },
        });
        var (begun, gates) = (new ConcurrentQueue<string>(), new ConcurrentDictionary<string, TaskCompletionSource>());
        foreach (var id in new[] { "third", "second", "first" })
        {
            await rig.AddAsync(
                async (task, token) =>
                {
                    begun.Enqueue(task.Task.Name);
                    await gates.GetOrAdd(task.Task.Name, static _ => new TaskCompletionSource()).Task.WaitAsync(token);
                    return TaskData.Empty;
                },
                id: id);
        }

        var tasks = new List<Task>();
        foreach (var (name, priority) in new[]
        {
            ("long", TaskPriority.Medium), ("short", TaskPriority.Medium), ("picky", TaskPriority.Critical), ("any", TaskPriority.Low),
        })
        {
            tasks.Add(rig.DispatchAsync(Rig.NewTask() with { Name = name, Priority = priority }));
            var (running, waiting) = (Math.Min(tasks.Count, 2), Math.Max(tasks.Count - 2, 0));
            await Rig.UntilAsync(() => begun.Count == running && rig.Coordinator.WaitingTasks == waiting, name);
            rig.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        gates["short"].SetResult();

        await Rig.UntilAsync(() => begun.Count == 3, "any");
        begun.Should().Equal("long", "short", "any");
        gates["long"].SetResult();
        gates["any"].SetResult();
        gates.GetOrAdd("picky", static _ => new TaskCompletionSource()).SetResult();
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>It held a place, and another was denied for it.</summary>
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_OneThatHadAPlaceIsCancelledBeforeItBegins_AnotherThatWaitsHasItAtOnce()
    {
        var release = new TaskCompletionSource();
        await using var rig = await StartAsync(release.Task, static _ => { }, new MaxConcurrentTasksPolicy(2), new Answer());
        var running = rig.DispatchAsync();
        using var cancellation = new CancellationTokenSource();
        var cancelled = rig.DispatchAsync(Rig.NewTask() with { Priority = TaskPriority.High }, cancellation.Token);
        var waiting = rig.DispatchAsync();
        rig.Coordinator.WaitingTasks.Should().Be(1, "the limit is reached with the place that is reserved");

        await cancellation.CancelAsync();

        await rig.Awaiting(_ => cancelled).Should().ThrowAsync<OperationCanceledException>();
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 2, WaitingTasks: 0 }, "the place to be taken");
        release.SetResult();
        await Task.WhenAll(running, waiting).WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>
    /// It held a place while a policy thought, and does not come back for it: neither where the task is denied, nor where each candidate is. Of many
    /// candidates, each gives the place back for a moment: whoever waits is judged when the search is over, and not each time.
    /// </summary>
    [Theory]
    [Trait("Behaviour", "4")]
    [InlineData(PolicyTarget.Task, 3)]
    [InlineData(PolicyTarget.Candidate, 3)]
    [InlineData(PolicyTarget.Candidate, 200)]
    public async Task DispatchTaskAsync_OneThatHadAPlaceIsDeniedForGood_AnotherThatWaitsHasItAtOnce(PolicyTarget target, int candidates)
    {
        var release = new TaskCompletionSource();
        var no = new No(target);
        await using var rig = await StartAsync(release.Task, static _ => { }, no, new MaxConcurrentTasksPolicy(2));
        for (var i = 3; i < candidates; i++)
        {
            await rig.AddAsync(static _ => TaskData.Empty);
        }

        await rig.AddAsync(
            async (_, _) =>
            {
                await release.Task;
                return TaskData.Empty;
            },
            AgentType.Review);
        var running = rig.DispatchAsync(Rig.NewTask(AgentType.Review));
        var denied = rig.DispatchAsync(Rig.NewTask() with { Priority = TaskPriority.High });
        var waiting = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 2, WaitingTasks: 1 }, "the limit to be reached");
        var asked = no.AskedOfOthers;

        no.Answer.SetResult();

        await rig.Awaiting(_ => denied.WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<PolicyViolationException>();
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 2, WaitingTasks: 0 }, "the place to be taken");
        no.AskedOfOthers.Should().BeLessThan(asked + 5);
        release.SetResult();
        await Task.WhenAll(running, waiting).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task DispatchTaskAsync_ThePromisedOneWaitsForAPolicysAnswer_NobodyGivesWayForThatLong()
    {
        var release = new TaskCompletionSource();
        await using var rig = await StartAsync(release.Task, static _ => { }, new MaxConcurrentTasksPolicy(2), new Answer());
        var running = new[] { rig.DispatchAsync(), rig.DispatchAsync() };
        using var cancellation = new CancellationTokenSource();
        var thinking = rig.DispatchAsync(Rig.NewTask() with { Priority = TaskPriority.High }, cancellation.Token);
        release.SetResult();
        await Task.WhenAll(running).WaitAsync(TimeSpan.FromSeconds(20));

        (await rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(20))).IsSuccess.Should().BeTrue();

        thinking.IsCompleted.Should().BeFalse();
        await cancellation.CancelAsync();
        await rig.Awaiting(_ => thinking).Should().ThrowAsync<OperationCanceledException>();
    }

    /// <summary>Two end close together, and one of those that are promised their places is late: what ends meanwhile is for others.</summary>
    [Fact]
    public async Task Redeem_OneThatGaveWayIsPromisedAgain_TheOthersThatWaitAreNotForgotten()
    {
        var tickets = Enumerable.Range(0, 4).Select(static _ => Ticket()).ToList();
        var waits = tickets.ConvertAll(ticket => WaitAsync(ticket));
        Release();
        Release();
        await Task.WhenAll(waits[0], waits[1]).WaitAsync(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 2; i++)
        {
            waits[1] = GiveWayAsync(tickets[1]);
            Release();
            await waits[1].WaitAsync(TimeSpan.FromSeconds(20));
        }

        for (var i = 0; i < 4; i++)
        {
            await waits[i].WaitAsync(TimeSpan.FromSeconds(20));
            _gate.Redeem(tickets[i], isAllowed: true);
        }
    }

    /// <summary>A person is asked: meanwhile the other place is for whoever waits.</summary>
    [Fact]
    public async Task Redeem_ThePoliciesHaveNotAnswered_WhoGaveWayIsNext()
    {
        var woken = await PromisedAsync();
        Release();
        var gaveWay = GiveWayAsync(Ticket());

        _gate.Redeem(woken, isAllowed: false);

        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task ReleaseAll_ALimitIsGone_NobodyGivesWayForIt()
    {
        var woken = await PromisedAsync();

        _gate.ReleaseAll();

        _gate.FindPromiseBefore(Ticket()).Should().BeNull();
        _gate.Redeem(woken, isAllowed: true);
    }

    /// <summary>Every circuit is open: that is written down, for as long as it takes.</summary>
    [Fact]
    public async Task DispatchTaskAsync_ThePromisedOneIsGivenUp_NobodyGivesWayWhileThatIsWritten()
    {
        var (written, isWriting, release) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        var store = new TroubledStateManager(new InMemoryStateManager());
        store.Trouble[nameof(StateManager.SaveDeadLetterAsync)] = () =>
        {
            isWriting.TrySetResult();
            return written.Task;
        };
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)], State = _ => store });
        await rig.AddAsync(
            async (_, _) =>
            {
                await release.Task;
                return TaskData.Empty;
            },
            AgentType.DevOps);
        await rig.AddAsync(static _ => TaskData.Empty, id: "broken");
        var running = rig.DispatchAsync(Rig.NewTask(AgentType.DevOps));
        var givenUp = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the second to wait");
        for (var failure = 0; failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            rig.Errors.GetCircuitBreaker("broken").RecordFailure();
        }

        release.SetResult();
        await running;
        await isWriting.Task.WaitAsync(TimeSpan.FromSeconds(20));

        (await rig.DispatchAsync(Rig.NewTask(AgentType.DevOps)).WaitAsync(TimeSpan.FromSeconds(20))).IsSuccess.Should().BeTrue();

        written.SetResult();
        await rig.Awaiting(_ => givenUp).Should().ThrowAsync<CircuitOpenException>();
    }

    [Fact]
    public async Task FindPromiseBefore_APlaceIsPromised_IsForThoseThatAreServedLater()
    {
        var woken = await PromisedAsync();

        _gate.FindPromiseBefore(Ticket()).Should().NotBeNull("of those that arrived together, the one that waited is first");
        _gate.FindPromiseBefore(Ticket(TaskPriority.Low)).Should().NotBeNull();
        _gate.FindPromiseBefore(Ticket(TaskPriority.High)).Should().BeNull("it would be served before");
        _gate.FindPromiseBefore(woken).Should().BeNull("it is its own");

        _gate.Redeem(woken, isAllowed: true);
        _gate.FindPromiseBefore(Ticket()).Should().BeNull("the place is taken");
    }

    [Fact]
    public async Task FindPromiseBefore_TwoArePromised_TheFirstGoesFirst()
    {
        var (first, second) = (Ticket(), Ticket());
        var waits = new[] { WaitAsync(first), WaitAsync(second) };
        Release();
        Release();
        await Task.WhenAll(waits).WaitAsync(TimeSpan.FromSeconds(20));

        _gate.FindPromiseBefore(second).Should().NotBeNull();
        _gate.FindPromiseBefore(first).Should().BeNull();

        var gaveWay = GiveWayAsync(second);
        _gate.Redeem(first, isAllowed: true);
        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task FindPromiseBefore_ThePolicyMayLookAtMoreThanCounts_NobodyGivesWay()
    {
        var wait = WaitAsync(Ticket(), isOfCountsAlone: false);
        Release();

        _gate.FindPromiseBefore(Ticket(TaskPriority.Low)).Should().BeNull("what denies one may allow another");
        await wait.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Redeem_ThereIsRoomForMore_OneAfterTheOtherIsJudgedUntilOneIsDenied()
    {
        var woken = await PromisedAsync();
        var (first, second) = (Ticket(), Ticket());
        var (one, two, three) = (GiveWayAsync(first), GiveWayAsync(second), GiveWayAsync(Ticket()));
        _counts.Running = Limit - 1;

        _gate.Redeem(woken, isAllowed: true);
        await one.WaitAsync(TimeSpan.FromSeconds(20));
        two.IsCompleted.Should().BeFalse("one looks after the other");

        _gate.Redeem(first, isAllowed: true);
        await two.WaitAsync(TimeSpan.FromSeconds(20));

        var denied = WaitAsync(second);
        denied.IsCompleted.Should().BeFalse();
        three.IsCompleted.Should().BeFalse("there was no room for the second");
    }

    [Fact]
    public async Task Redeem_OnlyThePromisedPlaceCameFree_WhoGaveWayWaitsForTheNext()
    {
        var woken = await PromisedAsync();
        var gaveWay = GiveWayAsync(Ticket());
        _counts.Running = Limit;

        _gate.Redeem(woken, isAllowed: true);
        gaveWay.IsCompleted.Should().BeFalse();

        Release();
        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>It took what came free before anybody was woken for it.</summary>
    [Fact]
    public async Task Redeem_OneThatNeverWaited_TheNextIsJudgedWhereThereIsRoom()
    {
        var wait = WaitAsync(Ticket());
        _counts.Running = 1;

        _gate.Redeem(Ticket(), isAllowed: true);

        await wait.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task WaitAsync_ThePromisedOneIsDeniedForAnotherReason_WhoGaveWayIsNext()
    {
        var woken = await PromisedAsync();
        var gaveWay = GiveWayAsync(Ticket());

        var again = WaitAsync(woken, "another");

        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
        again.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task WaitAsync_ThePromiseEndsBeforeWhoGivesWayWaits_LooksAtOnce()
    {
        var woken = await PromisedAsync();
        var newcomer = Ticket();
        var promise = _gate.FindPromiseBefore(newcomer)!;
        _gate.PassOnTurn(woken);

        await WaitAsync(newcomer, promise).WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>It is promised a place that is not free yet, and so has nothing to pass on.</summary>
    [Fact]
    public async Task Release_ThePromisedOneWasCancelledBefore_IsForTheNext()
    {
        using var cancellation = new CancellationTokenSource();
        var (cancelled, next) = (Ticket(), Ticket());
        var (first, second) = (WaitAsync(cancelled, Denial(), cancellation.Token), WaitAsync(next));
        var promised = _gate.PromiseNext();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => first).Should().ThrowAsync<OperationCanceledException>();
        _gate.PassOnTurn(cancelled);

        _gate.Release(promised);

        await second.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PassOn_ThePromisedOneDoesNotBegin_WhoGaveWayIsNext(bool isOfOtherType)
    {
        var woken = await PromisedAsync();
        var gaveWay = GiveWayAsync(Ticket(type: isOfOtherType ? "b" : "a"));

        _gate.PassOnTurn(woken);

        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
        _gate.FindPromiseBefore(Ticket(TaskPriority.Critical)).Should().BeNull("it is served before whoever has the promise now");
        _gate.FindPromiseBefore(Ticket(TaskPriority.Low)).Should().NotBeNull();
    }

    [Fact]
    public async Task Lend_ThePromisedOneHasNoAgent_ThoseOfOtherTypesGoOn()
    {
        var woken = await PromisedAsync();
        var gaveWay = GiveWayAsync(Ticket(type: "b"));

        _gate.Lend(woken, hasIdleAgents: false);

        await gaveWay.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static async Task<Rig> StartAsync(Task release, Action<string> begins, params Policy[] policies)
    {
        var rig = await Rig.StartAsync(new RigOptions { Policies = policies });
        for (var i = 0; i < 3; i++)
        {
            await rig.AddAsync(async (context, _) =>
            {
                begins(context.Task.Id);
                await release;
                return TaskData.Empty;
            });
        }

        return rig;
    }

    private static DispatchTicket Ticket(TaskPriority priority = TaskPriority.Medium, string type = "a") =>
        new(new TaskAssignment { Task = new TaskDefinition { AgentType = new AgentType(type), Priority = priority } });

    /// <summary>One that waited and is promised the place that came free, on its way.</summary>
    private async Task<DispatchTicket> PromisedAsync()
    {
        var ticket = Ticket();
        var wait = WaitAsync(ticket);
        Release();
        await wait.WaitAsync(TimeSpan.FromSeconds(20));
        return ticket;
    }

    private void Release() => _gate.Release(_gate.PromiseNext());

    private Task WaitAsync(DispatchTicket ticket, string policy = "P", bool isOfCountsAlone = true) =>
        WaitAsync(ticket, Denial(policy, isOfCountsAlone));

    private PassingDenial Denial(string policy = "P", bool isOfCountsAlone = true) =>
        new(PolicyResult.Deny(policy, "full", isTransient: true), _gate.Version, null, isOfCountsAlone, Limit);

    private Task GiveWayAsync(DispatchTicket ticket)
    {
        var promise = _gate.FindPromiseBefore(ticket);
        promise.Should().NotBeNull();
        return WaitAsync(ticket, promise!);
    }

    private Task WaitAsync(DispatchTicket ticket, PassingDenial denial, CancellationToken cancellationToken = default)
    {
        ticket.WaitFor(denial);
        return _gate.WaitAsync(ticket, denial, patience: null, cancellationToken).AsTask();
    }

    /// <summary>Lets tasks of high priority wait for an answer that never comes, and allows all others.</summary>
    private sealed class Answer : Policy<DispatchPolicyContext>
    {
        public override string Name => "answer";

        public override string Description => "Somebody says yes.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (context.Task.Priority == TaskPriority.High)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }

            return Allowed;
        }
    }

    /// <summary>Denies tasks of high priority for good, once it is told to answer.</summary>
    private sealed class No(PolicyTarget target) : Policy<DispatchPolicyContext>
    {
        private int _askedOfOthers;

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int AskedOfOthers => Volatile.Read(ref _askedOfOthers);

        public override string Name => "no";

        public override string Description => "Somebody says no.";

        public override PolicyTarget Target => target;

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (context.Task.Priority != TaskPriority.High)
            {
                Interlocked.Increment(ref _askedOfOthers);
                return Allowed;
            }

            await Answer.Task.WaitAsync(cancellationToken);
            return Denied("no");
        }
    }

    private sealed class OnlyThis(string taskName, string agentId) : Policy<DispatchPolicyContext>
    {
        public override string Name => "only_this";

        public override string Description => "One task is for one agent alone.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Task.Name != taskName || context.Candidate!.Id == agentId ? Allowed : Denied("not that one"));
    }
}
