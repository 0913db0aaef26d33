using Conductor.Errors;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Errors;

/// <summary>A breaker whose trials are a task's own, and who is told of them when.</summary>
public sealed class TaskBreakerSettingsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _told = [];
    private readonly CircuitBreaker _breaker;

    public TaskBreakerSettingsTests()
    {
        _breaker = new CircuitBreaker("a", failureThreshold: 1, TimeSpan.FromSeconds(60), successThreshold: 2, halfOpenTrials: 1, _time);
        _breaker.RecordFailure();
        _time.Advance(TimeSpan.FromSeconds(60));
        _breaker.StateChanged = (_, before, after) => _told.Add($"{before}→{after}");
    }

    [Fact]
    public void TryEnter_TheTaskAllowsMoreTrials_LetsSoManyThrough()
    {
        var settings = new CircuitBreakerSettings { HalfOpenTrials = 2 };

        _breaker.TryEnter(out _, settings).Should().BeTrue();
        _breaker.TryEnter(out _).Should().BeFalse("the breaker allows one");
        _breaker.TryEnter(out _, settings).Should().BeTrue();
        _breaker.TryEnter(out _, settings).Should().BeFalse();
    }

    [Fact]
    public void Succeed_TheTaskWantsFewerSuccesses_Closes()
    {
        _breaker.TryEnter(out var permit).Should().BeTrue();

        permit!.Succeed(new CircuitBreakerSettings { SuccessThreshold = 1 });

        _breaker.State.Should().Be(CircuitBreakerState.Closed);
    }

    /// <summary>Whoever counts breakers by their state has been told of each change.</summary>
    [Fact]
    public void TryEnter_NobodyWasToldYet_CountsAsOpen()
    {
        _breaker.TryEnter(out _);
        _breaker.CountedState.Should().Be(CircuitBreakerState.Open);
        _told.Should().BeEmpty();

        _breaker.TellOfTrial();

        _breaker.CountedState.Should().Be(CircuitBreakerState.HalfOpen);
        _told.Should().Equal("Open→HalfOpen");
    }

    [Fact]
    public void TryAcquire_AfterTheRecovery_TellsOfTheTrial()
    {
        using var permit = _breaker.TryAcquire();

        _told.Should().Equal("Open→HalfOpen");
    }

    [Theory]
    [InlineData("give back", "Open→HalfOpen")]
    [InlineData("fail", "Open→HalfOpen", "HalfOpen→Open")]
    public void Permit_NobodyWasToldYet_TellsFirstOfTheTrial(string what, params string[] told)
    {
        _breaker.TryEnter(out var permit);

        if (what == "fail")
        {
            permit!.Fail();
        }

        permit!.Dispose();

        _told.Should().Equal(told);
    }
}
