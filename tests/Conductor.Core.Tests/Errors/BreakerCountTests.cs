using Conductor.Errors;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Errors;

/// <summary>What a breaker counts while it is open, and of tasks that began before.</summary>
public sealed class BreakerCountTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void RecordSuccess_WhileOpen_IsIgnored()
    {
        var breaker = OpenBreaker();

        breaker.RecordSuccess();

        (breaker.State, breaker.ConsecutiveFailures).Should().Be((CircuitBreakerState.Open, 2));
    }

    [Fact]
    public void Succeed_PermitFromBeforeItOpened_IsIgnored()
    {
        var breaker = new CircuitBreaker("a", 2, timeProvider: _time);
        using var late = breaker.TryAcquire();
        breaker.RecordFailure();
        breaker.RecordFailure();

        late!.Succeed();

        (breaker.State, breaker.ConsecutiveFailures).Should().Be((CircuitBreakerState.Open, 2));
    }

    [Fact]
    public void RecordSuccess_OnceTheRecoveryTimeHasPassed_ForgetsTheFailures()
    {
        var breaker = OpenBreaker();
        _time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);

        breaker.RecordSuccess();

        (breaker.State, breaker.ConsecutiveFailures).Should().Be((CircuitBreakerState.HalfOpen, 0));
    }

    [Fact]
    public void Succeed_OfTasksThatBeganBeforeItOpened_ClosesNothing()
    {
        var breaker = new CircuitBreaker("a", failureThreshold: 1, timeProvider: _time);
        using var first = breaker.TryAcquire()!;
        using var second = breaker.TryAcquire()!;
        breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(60));

        first.Succeed();
        using var trial = breaker.TryAcquire()!;
        second.Succeed();
        trial.Succeed();

        (breaker.State, trial.IsTrial).Should().Be((CircuitBreakerState.HalfOpen, true), "there was one trial, and two close it");
    }

    private CircuitBreaker OpenBreaker()
    {
        var breaker = new CircuitBreaker("a", 2, timeProvider: _time);
        breaker.RecordFailure();
        breaker.RecordFailure();
        return breaker;
    }
}
