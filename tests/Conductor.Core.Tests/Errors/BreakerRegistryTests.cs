using Conductor.Errors;
using Conductor.Tests.Support;

namespace Conductor.Tests.Errors;

/// <summary>Whose breakers are kept: anybody may ask for the breaker of any agent.</summary>
public sealed class BreakerRegistryTests
{
    [Fact]
    public async Task GetCircuitBreaker_ManyStrangers_ForgetsTheOneUsedLongestAgo()
    {
        await using var rig = await Rig.StartAsync();
        var (oldest, used) = (rig.Errors.GetCircuitBreaker("oldest"), rig.Errors.GetCircuitBreaker("used"));
        Ask(rig.Errors, BreakerRegistry.MaxStrangers - 2);
        rig.Errors.GetCircuitBreaker("used").Should().BeSameAs(used);

        rig.Errors.GetCircuitBreaker("one more");

        rig.Errors.GetCircuitBreaker("used").Should().BeSameAs(used);
        rig.Errors.GetCircuitBreaker("oldest").Should().NotBeSameAs(oldest);
    }

    [Fact]
    public async Task GetCircuitBreaker_ManyStrangers_SparesTheOpenUntilTheyRecover()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        var open = rig.Errors.GetCircuitBreaker("open");
        open.RecordFailure();

        Ask(rig.Errors, 2 * BreakerRegistry.MaxStrangers);
        rig.Errors.GetCircuitBreaker("open").Should().BeSameAs(open);
        rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        Ask(rig.Errors, 2 * BreakerRegistry.MaxStrangers);

        rig.Errors.GetCircuitBreaker("open").Should().NotBeSameAs(open);
    }

    [Fact]
    public async Task GetCircuitBreaker_AgentIsRegistered_IsNeverForgottenForStrangers()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "known");
        var before = rig.Errors.GetCircuitBreaker("known");
        var wasStranger = rig.Errors.GetCircuitBreaker("known later");
        await rig.AddAsync(_ => TaskData.Empty, id: "known later");

        Ask(rig.Errors, 2 * BreakerRegistry.MaxStrangers);

        rig.Errors.GetCircuitBreaker("known").Should().BeSameAs(before);
        rig.Errors.GetCircuitBreaker("known later").Should().BeSameAs(wasStranger);
    }

    [Fact]
    public async Task UnregisterAgentAsync_FailureComesLate_IsAStrangersFromThenOn()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty, id: "a");
        var before = rig.Errors.GetCircuitBreaker("a");
        await rig.Coordinator.UnregisterAgentAsync("a");

        var late = rig.Errors.GetCircuitBreaker("a");
        Ask(rig.Errors, BreakerRegistry.MaxStrangers);

        late.Should().NotBeSameAs(before);
        rig.Errors.GetCircuitBreaker("a").Should().NotBeSameAs(late);
    }

    private static void Ask(ErrorHandler errors, int count)
    {
        for (var i = 0; i < count; i++)
        {
            errors.GetCircuitBreaker($"stranger-{Guid.NewGuid():N}");
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task CircuitBreaker_OfAnAgentThatIsRegistered_HasTheSettingsOfItsType(bool isAskedForBefore, bool isHandledByHand)
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            Errors = new ErrorHandlerOptions { AgentTypes = { ["coding"] = new AgentTypeOptions { CircuitBreaker = { FailureThreshold = 1 } } } },
        });
        if (isAskedForBefore)
        {
            rig.Errors.GetCircuitBreaker("a");
        }

        await rig.AddAsync(static _ => throw new IOException("down"), id: "a");
        if (isHandledByHand)
        {
            await rig.Errors.HandleErrorAsync(new TaskError { Code = ErrorCodes.TransientError, Message = "down" }, new ErrorContext { AgentId = "a" });
        }
        else
        {
            await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }));
        }

        rig.Errors.GetCircuitBreaker("a").State.Should().Be(CircuitBreakerState.Open);
    }

    /// <summary>The settings are those of the start.</summary>
    [Fact]
    public async Task CircuitBreaker_OptionsAreChangedAfterTheStart_KeepsItsOwn()
    {
        var options = new ErrorHandlerOptions();
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = options });
        await rig.AddAsync(static _ => throw new IOException("down"), id: "a");
        (options.CircuitBreaker.FailureThreshold, options.CircuitBreaker.RecoveryTimeout) = (1, TimeSpan.FromDays(-1));
        options.AgentTypes["coding"] = new AgentTypeOptions { CircuitBreaker = { HalfOpenTrials = -5 } };

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 0 } }));

        result.Error!.Code.Should().Be(ErrorCodes.TransientError);
        rig.Errors.GetCircuitBreaker("a").State.Should().Be(CircuitBreakerState.Closed);
    }
}
