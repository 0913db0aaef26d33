using System.Collections.Concurrent;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Which idle agent a task gets.</summary>
public sealed class CandidateTests
{
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_SeveralIdle_TakesTheFirstAvailable()
    {
        await using var rig = await Rig.StartAsync();
        foreach (var id in new[] { "first", "second", "third" })
        {
            await rig.AddAsync(static _ => TaskData.Empty, id: id);
        }

        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Select(static agent => agent.Identity.Id).Should().Equal("first", "second", "third");
        (await rig.DispatchAsync()).AgentId.Should().Be("first");
        (await rig.DispatchAsync()).AgentId.Should().Be("first", "it is idle again");
    }

    /// <summary>What a policy writes to its log makes no difference to what it says.</summary>
    [Fact]
    public async Task DispatchTaskAsync_PolicyThatDeniesTheTaskLogsTheContext_IsAskedOnce()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        await rig.AddAsync(static _ => TaskData.Empty, id: "b");
        var seen = new List<string>();
        rig.Policies.RegisterPolicy(new NeverAndLogged(seen));

        await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<PolicyViolationException>();

        seen.Should().ContainSingle().Which.Should().Contain("Candidate = AgentIdentity { Id = a");
    }

    [Fact]
    public async Task GetAvailableAgents_BreakerOfAnIdleAgentOpenedByHand_IsNotAmongThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        await rig.AddAsync(static _ => TaskData.Empty, id: "b");
        var breaker = rig.Errors.GetCircuitBreaker("a");
        for (var failure = 0; failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            breaker.RecordFailure();
        }

        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Select(static agent => agent.Identity.Id).Should().Equal("b");
        (await rig.Coordinator.GetAgentStatusAsync("a"))!.Status.Should().Be(AgentStatus.Waiting);
        breaker.Reset();
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Select(static agent => agent.Identity.Id).Should().Equal("a", "b");
        (await rig.DispatchAsync()).AgentId.Should().Be("a");
    }

    /// <summary>However many have come and gone, those that are left keep their order, and each gets its turn when the ones before it are busy.</summary>
    [Fact]
    public async Task DispatchTaskAsync_ManyCameAndWent_TakesThoseThatAreLeftInTheirOrder()
    {
        await using var rig = await Rig.StartAsync();
        var gate = new TaskCompletionSource();
        for (var number = 0; number < 300; number++)
        {
            await rig.AddAsync(
                async (_, _) =>
                {
                    await gate.Task;
                    return TaskData.Empty;
                },
                id: $"{number:000}");
        }

        for (var number = 0; number < 300; number++)
        {
            if (number % 7 != 3)
            {
                await rig.Coordinator.UnregisterAgentAsync($"{number:000}");
            }
        }

        var expected = Enumerable.Range(0, 300).Where(static number => number % 7 == 3).Select(static number => $"{number:000}").ToList();
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Select(static agent => agent.Identity.Id).Should().Equal(expected);
        var dispatches = expected.Select(_ => rig.DispatchAsync()).ToList();
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().BeEmpty();
        gate.SetResult();
        (await Task.WhenAll(dispatches)).Select(static result => result.AgentId).Should().Equal(expected);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_OneCandidateDenied_AnotherIdleOneIsTried(bool forTheTimeBeing, bool judgesACopy)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new NotThis("denied", forTheTimeBeing) { JudgesACopy = judgesACopy }] });
        await rig.AddAsync(static _ => TaskData.Empty, id: "denied");
        await rig.AddAsync(static _ => TaskData.Empty, id: "allowed");

        (await rig.DispatchAsync().WaitAsync(TimeSpan.FromSeconds(20))).AgentId.Should().Be("allowed");
    }

    [Fact]
    public async Task DispatchTaskAsync_EveryCandidateDeniedForTheTimeBeing_WaitsUntilOneIsNot()
    {
        var policy = new NotThis("only", forTheTimeBeing: true);
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [policy] });
        await rig.AddAsync(static _ => TaskData.Empty, id: "only");
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");

        policy.Forbidden = "another";

        (await rig.DriveAsync(dispatch)).AgentId.Should().Be("only");
    }

    /// <summary>One agent has failed, the other is denied for the time being: neither is lost sight of, and nothing is given up.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DispatchTaskAsync_RetryWhoseOtherCandidateIsDeniedForTheTimeBeing_TakesItWhenItIsAllowed(bool unregisterTheFirst)
    {
        var policy = new NotThis("other", forTheTimeBeing: true);
        await using var rig = await Rig.StartAsync(
            new RigOptions { Policies = [policy], Retry = RetryPolicy.Default with { InitialDelay = TimeSpan.FromSeconds(20), JitterFactor = 0 } });
        await rig.AddAsync(static _ => throw Transient(), id: "failed");
        await rig.AddAsync(static _ => TaskData.Empty, id: "other");
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1600), "the first attempt to fail");
        await Rig.UntilAsync(
            () =>
            {
                rig.Time.Advance(TimeSpan.FromSeconds(1));
                return rig.Coordinator.WaitingTasks == 1;
            },
            "the second to wait");
        if (unregisterTheFirst)
        {
            await rig.Coordinator.UnregisterAgentAsync("failed");
        }

        policy.Forbidden = "nobody";

        var result = await rig.DriveAsync(dispatch);
        (result.AgentId, result.Attempts).Should().Be(("other", 2));
    }

    /// <summary>A policy that never looks at the candidate denies the task: nobody else is asked about.</summary>
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_DenialOfTheTask_EndsTheSearch()
    {
        var policy = new CountingDenial();
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new AgentAvailabilityPolicy(), policy] });
        await rig.AddAsync(static _ => TaskData.Empty);
        await rig.AddAsync(static _ => TaskData.Empty);

        (await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<PolicyViolationException>()).Which.PolicyName.Should().Be("never");

        policy.Calls.Should().Be(1);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_Retry_GoesToAnotherHealthyAgent()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => throw Transient(), id: "bad");
        await rig.AddAsync(_ => TaskData.Empty, id: "good");

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.AgentId, result.Attempts).Should().Be(("good", 2));
    }

    /// <summary>
    /// The healthy agent is busy when the time for the next attempt has come: it is waited for as long again, and then the other is better than
    /// none.
    /// </summary>
    [Theory]
    [InlineData(1.5, "good", 2)]
    [InlineData(2.5, "bad", 3)]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_RetryWhileTheOtherAgentIsBusy_WaitsForItForAWhile(double busySeconds, string secondAgent, int attempts)
    {
        await using var rig = await Rig.StartAsync();
        var agents = new ConcurrentQueue<string>();
        await rig.AddAsync(
            async (task, token) =>
            {
                agents.Enqueue(task.AgentId);
                await Task.Delay(task.Task.Id == "long" ? TimeSpan.FromSeconds(busySeconds) : TimeSpan.Zero, task.TimeProvider, token);
                return TaskData.Empty;
            },
            id: "good");
        await rig.AddAsync(
            task =>
            {
                agents.Enqueue(task.AgentId);
                throw Transient();
            },
            id: "bad");
        var busy = rig.DispatchAsync(Rig.NewTask() with { Id = "long" });
        await Rig.UntilAsync(() => agents.Count == 1, "the healthy agent to be busy");
        var failing = rig.DispatchAsync();

        var result = await rig.DriveAsync(failing, TimeSpan.FromMilliseconds(100));

        (result.AgentId, result.Attempts).Should().Be(("good", attempts));
        agents.Take(3).Should().Equal("good", "bad", secondAgent);
        await rig.DriveAsync(busy);
    }

    [Fact]
    public async Task Assignment_OnTheBus_IsForItsAgent()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        await rig.FollowAsync(Channels.Agent("a"));

        await rig.DispatchAsync();

        await Rig.UntilAsync(() => !rig.Messages.IsEmpty, "the assignment");
        rig.Messages.Single().Message.Recipient.Should().Be("a");
    }

    [Fact]
    public void DispatchPolicyContext_LookedAt_IsEqualAllTheSame()
    {
        var context = new DispatchPolicyContext { Task = Rig.NewTask(), Candidate = new AgentIdentity { Id = "a", Type = AgentType.Coding } };
        var other = context with { };

        _ = other.Candidate;

        (other == context, other.GetHashCode()).Should().Be((true, context.GetHashCode()));
    }

    private static AgentException Transient() => new(ErrorCodes.TransientError, "busy");

    /// <summary>Somebody else may have a trial of the same breaker: it is over soon, one way or the other.</summary>
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_SomebodyElseHasTheTrialOfTheOnlyAgent_WaitsForItsEnd()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        var breaker = rig.Errors.GetCircuitBreaker("a");
        for (var failure = 0; failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            breaker.RecordFailure();
        }

        rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        using var permit = breaker.TryAcquire();
        permit!.IsTrial.Should().BeTrue();

        var dispatch = rig.DispatchAsync();
        rig.Time.Advance(TimeSpan.FromSeconds(3));
        await Rig.SettleAsync();
        dispatch.IsCompleted.Should().BeFalse();
        permit.Succeed();

        (await rig.DriveAsync(dispatch)).IsSuccess.Should().BeTrue();
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    private sealed class NeverAndLogged(List<string> log) : Policy<DispatchPolicyContext>
    {
        public override string Name => "never";

        public override string Description => "Never, and it says of what.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            log.Add($"{context}");
            return new(Denied("never"));
        }
    }

    private sealed class NotThis(string agentId, bool forTheTimeBeing) : Policy<DispatchPolicyContext>
    {
        public string Forbidden { get; set; } = agentId;

        public bool JudgesACopy { get; init; }

        public override string Name => "not_this";

        public override string Description => "Not one of them.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new((JudgesACopy ? context with { Round = 7 } : context).Candidate!.Id != Forbidden ? Allowed : Denied($"not {Forbidden}", forTheTimeBeing));
    }
}
