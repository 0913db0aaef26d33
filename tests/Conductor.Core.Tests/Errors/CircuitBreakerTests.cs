using Conductor.Errors;
using Conductor.Tests.Support;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Errors;

public sealed class CircuitBreakerTests
{
    private readonly FakeTimeProvider _time = new();

    private CircuitBreaker NewBreaker(int failures = 3, int successes = 2, int trials = 1) =>
        new("a", failures, TimeSpan.FromSeconds(60), successes, trials, _time);

    private CircuitBreaker OpenBreaker(int successes = 2, int trials = 1)
    {
        var breaker = NewBreaker(1, successes, trials);
        breaker.RecordFailure();
        return breaker;
    }

    private CircuitBreaker HalfOpenBreaker(int successes = 2, int trials = 1)
    {
        var breaker = OpenBreaker(successes, trials);
        _time.Advance(TimeSpan.FromSeconds(60));
        return breaker;
    }

    [Fact]
    public void New_HasTheDecidedNumbers()
    {
        var breaker = new CircuitBreaker("a", timeProvider: _time);
        for (var i = 0; i < 4; i++)
        {
            breaker.RecordFailure();
        }

        breaker.State.Should().Be(CircuitBreakerState.Closed);
        breaker.RecordFailure();
        breaker.State.Should().Be(CircuitBreakerState.Open);
        breaker.TimeUntilRecovery.Should().Be(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void New_OutOfRange_NamesSettingAndFix() => FluentActions.Invoking(() => new CircuitBreaker("a", failureThreshold: 0))
        .Should().Throw<ArgumentException>().WithMessage("*FailureThreshold is 0; set it to 1 or more.*");

    [Fact]
    public void New_WithoutAgent_IsRefused() => FluentActions.Invoking(() => new CircuitBreaker("")).Should().Throw<ArgumentException>();

    [Fact]
    public void RecordSuccess_BetweenFailures_StartsTheCountAnew()
    {
        var breaker = NewBreaker();
        breaker.RecordFailure();
        breaker.RecordFailure();
        breaker.RecordSuccess();
        breaker.ConsecutiveFailures.Should().Be(0);
        breaker.RecordFailure();
        breaker.RecordFailure();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
        breaker.IsOpen().Should().BeFalse();
    }

    [Fact]
    public void RecordFailure_AtThreshold_Opens()
    {
        var breaker = NewBreaker();
        for (var i = 0; i < 3; i++)
        {
            breaker.RecordFailure();
        }

        breaker.IsOpen().Should().BeTrue();
        breaker.TryAcquire().Should().BeNull();
        breaker.ConsecutiveFailures.Should().Be(3);
    }

    [Fact]
    public void IsOpen_AfterRecoveryTime_OnlyLooks()
    {
        var breaker = OpenBreaker();
        _time.Advance(TimeSpan.FromSeconds(59.999));
        breaker.IsOpen().Should().BeTrue();
        breaker.TimeUntilRecovery.Should().Be(TimeSpan.FromMilliseconds(1));
        _time.Advance(TimeSpan.FromMilliseconds(1));

        breaker.IsOpen().Should().BeFalse();
        breaker.State.Should().Be(CircuitBreakerState.HalfOpen);
        breaker.TimeUntilRecovery.Should().Be(TimeSpan.Zero);
        var changes = new List<(CircuitBreakerState, CircuitBreakerState)>();
        breaker.StateChanged = (_, before, after) => changes.Add((before, after));
        breaker.IsOpen();
        changes.Should().BeEmpty();
    }

    [Fact]
    public void RecordFailure_WhileOpen_CountsRecoveryFromTheLastFailure()
    {
        var breaker = OpenBreaker();
        _time.Advance(TimeSpan.FromSeconds(40));
        breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(40));

        breaker.IsOpen().Should().BeTrue();
    }

    [Fact]
    public void RecordSuccess_WhileOpen_IsIgnored()
    {
        var breaker = OpenBreaker();
        breaker.RecordSuccess();
        breaker.RecordSuccess();

        breaker.State.Should().Be(CircuitBreakerState.Open);
    }

    [Fact]
    public void TryAcquire_HalfOpen_LetsOnlyTheTrialsThrough()
    {
        var breaker = HalfOpenBreaker(trials: 2);
        var first = breaker.TryAcquire();
        var second = breaker.TryAcquire();

        first!.IsTrial.Should().BeTrue();
        second.Should().NotBeNull();
        breaker.TryAcquire().Should().BeNull();
    }

    [Fact]
    public void Dispose_TrialPermit_GivesThePlaceBack()
    {
        var breaker = HalfOpenBreaker();
        var permit = breaker.TryAcquire()!;
        permit.Dispose();
        permit.Dispose();

        breaker.TryAcquire().Should().NotBeNull();
        breaker.TryAcquire().Should().BeNull();
        breaker.State.Should().Be(CircuitBreakerState.HalfOpen);
    }

    [Fact]
    public void Succeed_EnoughTrials_Closes()
    {
        var breaker = HalfOpenBreaker();
        breaker.TryAcquire()!.Succeed();
        breaker.State.Should().Be(CircuitBreakerState.HalfOpen);
        breaker.TryAcquire()!.Succeed();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
        breaker.ConsecutiveFailures.Should().Be(0);
    }

    [Fact]
    public void Fail_OneTrial_OpensAgain()
    {
        var breaker = HalfOpenBreaker();
        breaker.TryAcquire()!.Succeed();
        breaker.TryAcquire()!.Fail();
        breaker.State.Should().Be(CircuitBreakerState.Open);
        breaker.TimeUntilRecovery.Should().Be(TimeSpan.FromSeconds(60));
        _time.Advance(TimeSpan.FromSeconds(60));
        breaker.TryAcquire()!.Succeed();

        breaker.State.Should().Be(CircuitBreakerState.HalfOpen, "successes of an earlier trial time do not count");
    }

    [Fact]
    public void Permit_ReportedTwice_CountsOnce()
    {
        var breaker = HalfOpenBreaker();
        var permit = breaker.TryAcquire()!;
        permit.Succeed();
        permit.Succeed();
        permit.Fail();

        breaker.State.Should().Be(CircuitBreakerState.HalfOpen);
    }

    [Fact]
    public void Dispose_PermitOfAnEarlierTrialTime_FreesNoPlaceOfThisOne()
    {
        var breaker = HalfOpenBreaker();
        var old = breaker.TryAcquire()!;
        breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(60));
        breaker.TryAcquire().Should().NotBeNull();
        old.Dispose();

        breaker.TryAcquire().Should().BeNull();
    }

    [Fact]
    public void RecordSuccess_AfterRecoveryWithoutPermit_IsTheFirstTrial()
    {
        var breaker = HalfOpenBreaker();
        breaker.RecordSuccess();
        breaker.State.Should().Be(CircuitBreakerState.HalfOpen);
        breaker.RecordSuccess();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public void RecordFailure_HalfOpenWithoutPermit_OpensAgain()
    {
        var breaker = HalfOpenBreaker();
        breaker.RecordFailure();

        breaker.IsOpen().Should().BeTrue();
    }

    [Fact]
    public void TryAcquire_Closed_IsNoTrial()
    {
        using var permit = NewBreaker().TryAcquire();

        permit!.IsTrial.Should().BeFalse();
    }

    [Fact]
    public void Fail_PermitOfAClosedBreaker_CountsAsFailure()
    {
        var breaker = NewBreaker(1);
        breaker.TryAcquire()!.Fail();

        breaker.IsOpen().Should().BeTrue();
    }

    [Fact]
    public void Reset_Open_ClosesAndForgets()
    {
        var breaker = OpenBreaker();
        breaker.Reset();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
        breaker.ConsecutiveFailures.Should().Be(0);
        breaker.TryAcquire().Should().NotBeNull();
    }

    [Fact]
    public void Reset_HalfOpenWithTrialUnderWay_ForgetsTheTrial()
    {
        var breaker = HalfOpenBreaker();
        var permit = breaker.TryAcquire()!;
        breaker.Reset();
        permit.Fail();

        breaker.ConsecutiveFailures.Should().Be(1);
    }

    [Fact]
    public void RecordFailure_TaskSettings_JudgeThisFailure()
    {
        var breaker = NewBreaker(failures: 10);
        breaker.RecordFailure(new CircuitBreakerSettings { FailureThreshold = 1, RecoveryTimeout = TimeSpan.FromSeconds(5) });

        breaker.IsOpen().Should().BeTrue();
        breaker.TimeUntilRecovery.Should().Be(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void New_OwnRecoveryTime_IsUsed()
    {
        var breaker = new CircuitBreaker("a", 1, TimeSpan.FromSeconds(7), timeProvider: _time);
        breaker.RecordFailure();

        breaker.TimeUntilRecovery.Should().Be(TimeSpan.FromSeconds(7));
        breaker.AgentId.Should().Be("a");
    }

    [Fact]
    public void TimeUntilRecovery_Closed_IsZero() => NewBreaker().TimeUntilRecovery.Should().Be(TimeSpan.Zero);

    [Fact]
    public void RecordFailure_AfterItClosedAgain_CountsFromZero()
    {
        var breaker = new CircuitBreaker("a", 2, TimeSpan.FromSeconds(60), 1, 1, _time);
        breaker.RecordFailure();
        breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(60));
        breaker.TryAcquire()!.Succeed();
        breaker.RecordFailure();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public void RecordFailure_TaskSettingsForTheRest_AreTakenFromTheBreaker()
    {
        var breaker = NewBreaker(1, successes: 1);
        breaker.RecordFailure(new CircuitBreakerSettings { SuccessThreshold = 9 });
        _time.Advance(TimeSpan.FromSeconds(60));
        breaker.TryAcquire()!.Succeed();

        breaker.State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public void StateChanged_WholeCircle_TellsEachChangeOnce()
    {
        var breaker = NewBreaker(1);
        var changes = new List<string>();
        breaker.StateChanged = (_, before, after) => changes.Add($"{before}→{after}");
        breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(60));
        breaker.TryAcquire()!.Succeed();
        breaker.TryAcquire()!.Succeed();
        breaker.RecordSuccess();

        changes.Should().Equal("Closed→Open", "Open→HalfOpen", "HalfOpen→Closed");
    }

    [Fact]
    public async Task TryAcquire_RacingCallers_NeverLetsMoreTrialsThroughThanAllowed()
    {
        for (var round = 0; round < 200; round++)
        {
            var breaker = HalfOpenBreaker(trials: 2);
            using var start = new ManualResetEventSlim();
            var callers = Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
            {
                start.Wait();
                return breaker.TryAcquire();
            })).ToArray();
            start.Set();

            (await Task.WhenAll(callers)).Count(permit => permit is not null).Should().Be(2);
        }
    }

    /// <summary>The clock goes on between two looks at it: the time left must come from the one that says that it is open.</summary>
    [Fact]
    public void TimeUntilRecovery_RecoveryIsOverWhileItLooks_IsNeverNegative()
    {
        for (var looks = 1; looks < 5; looks++)
        {
            var breaker = new CircuitBreaker("a", 1, TimeSpan.FromSeconds(looks), timeProvider: new TickingTimeProvider(TimeSpan.FromSeconds(0.75)));
            breaker.RecordFailure();

            var left = Enumerable.Range(0, 10).Select(_ => breaker.TimeUntilRecovery).ToList();

            left.Should().OnlyContain(time => time >= TimeSpan.Zero);
        }
    }
}
