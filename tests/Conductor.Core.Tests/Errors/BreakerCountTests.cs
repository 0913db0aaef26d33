using Conductor.Errors;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Errors;

/// <summary>What a breaker counts while it is open.</summary>
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

    private CircuitBreaker OpenBreaker()
    {
        var breaker = new CircuitBreaker("a", 2, timeProvider: _time);
        breaker.RecordFailure();
        breaker.RecordFailure();
        return breaker;
    }
}
