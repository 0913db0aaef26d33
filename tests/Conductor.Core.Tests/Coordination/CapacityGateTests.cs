using Conductor.Coordination;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Coordination;

/// <summary>Whose turn it is when capacity comes free, step by step.</summary>
public sealed class CapacityGateTests
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly CapacityGate _gate;

    public CapacityGateTests()
    {
        var counts = new DispatchCounts();
        _gate = new CapacityGate(_time, new DispatchOptions { PolicyRecheckInterval = _interval }, new WaitingLimit(100, counts), counts);
    }

    [Fact]
    public async Task Close_OneWaits_LooksAgainAndLeavesNoTimerBehind()
    {
        var time = new Conductor.Testing.VirtualTimeProvider();
        var counts = new DispatchCounts();
        var limit = new WaitingLimit(100, counts);
        var gate = new CapacityGate(time, new DispatchOptions { PolicyRecheckInterval = _interval }, limit, counts);
        var ticket = Ticket("a");
        var wait = WaitAsync(gate, ticket, "P");
        time.TimerCount.Should().Be(1);

        limit.Close();
        gate.Close();

        await wait.WaitAsync(TimeSpan.FromSeconds(20));
        time.TimerCount.Should().Be(0);
    }

    [Fact]
    public async Task WaitAsync_TheRunOfTheOneThatWasWokenStops_AnotherGetsItsTurn()
    {
        var owner = new StoppingOwner();
        var (stopping, other) = (Ticket("a", owner), Ticket("b"));
        var (first, second) = (WaitAsync(stopping, "P1"), WaitAsync(other, "P2"));
        _gate.Release(_gate.PromiseNext());
        await first;
        owner.IsStopping = true;

        await WaitAsync(stopping, "P1");
        _gate.PassOnTurn(stopping);

        await second.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>All arrive at one moment of a clock that stands still.</summary>
    [Fact]
    public async Task WaitAsync_OfEqualsOneLooksAgainInVain_KeepsItsPlace()
    {
        var tickets = Enumerable.Range(0, 3).Select(_ => Ticket("a")).ToList();
        var waits = tickets.ConvertAll(ticket => WaitAsync(ticket, "P"));
        _gate.Release(_gate.PromiseNext());
        await waits[0];

        waits[0] = WaitAsync(tickets[0], "P");
        _gate.Release(_gate.PromiseNext());

        await waits[0].WaitAsync(TimeSpan.FromSeconds(20));
        waits.Skip(1).Should().OnlyContain(static wait => !wait.IsCompleted);
    }

    /// <summary>What was in its way when it looked again was given back before it came here, and nothing runs whose end would tell.</summary>
    [Fact]
    public async Task WaitAsync_OneHasLookedAgainInVainAndNothingRunsByNow_LooksOnceMore()
    {
        var ticket = Ticket("a");
        ticket.HasLookedAgain = true;

        await WaitAsync(ticket, "P").WaitAsync(TimeSpan.FromSeconds(20));

        ticket.HasTurn.Should().BeTrue();
    }

    [Fact]
    public async Task Redeem_OneThatLookedForAllIsAllowed_TheNextLooksAtOnceEvenWhereItCameLater()
    {
        var scout = Ticket("a");
        var waits = WaitAsync(scout, "P");
        _time.Advance(_interval);
        await waits;
        var next = WaitAsync(Ticket("a"), "P");

        _gate.Redeem(scout, isAllowed: true);

        await next.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>Its agent came free with the place; where that went another way, the place is for others.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ReleaseTo_OneThatWaitsForAnAgent_OnlyWithoutItTheOthersHaveThePlace(bool isWithdrawn)
    {
        var next = WaitAsync(Ticket("a"), "P");
        var promised = Ticket("b", priority: TaskPriority.Critical);
        _gate.TryPromise(promised).Should().BeTrue();

        _gate.ReleaseTo(promised, isWithdrawn);

        (_gate.FindPromiseBefore(Ticket("b", priority: TaskPriority.High)) is null).Should().Be(isWithdrawn);
        await (isWithdrawn ? next.WaitAsync(TimeSpan.FromSeconds(20)) : Task.CompletedTask);
        next.IsCompleted.Should().Be(isWithdrawn);
    }

    /// <summary>As when the policies change, and all look again.</summary>
    [Fact]
    public void Sort_OfWaiters_IsTheOrderInWhichTheyAreServed() =>
        new ServingOrder(_time, TimeSpan.FromSeconds(30))
            .Sort(new[] { TaskPriority.Low, TaskPriority.Critical, TaskPriority.Medium, TaskPriority.High }.Select(Waiter))
            .Select(static waiter => waiter.Ticket.Task.Priority).Should()
                .Equal(TaskPriority.Critical, TaskPriority.High, TaskPriority.Medium, TaskPriority.Low);

    private static DispatchTicket Ticket(string type, IDispatchOwner? owner = null, TaskPriority priority = TaskPriority.Medium) =>
        new(new TaskAssignment { Task = new TaskDefinition { AgentType = new AgentType(type), Priority = priority } }) { Owner = owner };

    private CapacityWaiter Waiter(TaskPriority priority)
    {
        var ticket = new DispatchTicket(new TaskAssignment { Task = new TaskDefinition { AgentType = AgentType.Coding, Priority = priority } });
        var denial = Denial("P");
        return new CapacityWaiter(ticket, denial)
        {
            Kind = new DenialKind(
                DenialKind.Name.Of(ticket, denial), new ServingOrder(_time, _interval)) { JudgedVersion = 0, JudgedRetreats = 0 }, Number = 0, Since = 0,
        };
    }

    private PassingDenial Denial(string policy) =>
        new(PolicyResult.Deny(policy, "full", isTransient: true), _gate.Version, null, IsOfCountsAlone: true, Before: 1);

    private Task WaitAsync(DispatchTicket ticket, string policy) => WaitAsync(_gate, ticket, policy);

    private Task WaitAsync(CapacityGate gate, DispatchTicket ticket, string policy)
    {
        var denial = Denial(policy);
        ticket.WaitFor(denial);
        return gate.WaitAsync(ticket, denial, patience: null, CancellationToken.None).AsTask();
    }

    private sealed class StoppingOwner : IDispatchOwner
    {
        public bool IsStopping { get; set; }

        public HeldLease? Lease => null;

        public ValueTask EnsureOwnsAsync() => ValueTask.CompletedTask;

        public IBeginning? NoteRetry(TaskRetry retry) => null;

        public string? LetterIdOf(TaskAssignment assignment) => null;
    }
}
