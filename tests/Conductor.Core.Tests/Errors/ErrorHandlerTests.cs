using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.Failures;

namespace Conductor.Tests.Errors;

public sealed class ErrorHandlerTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    public async Task DecideAsync_TransientWithRetriesLeft_RetriesWithBackoff(int attempt, int seconds)
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(Transient, Context(attempt));

        decision.Action.Should().Be(ErrorAction.Retry);
        decision.Delay.Should().Be(TimeSpan.FromSeconds(seconds));
        decision.Attempt.Should().Be(attempt);
        decision.Record.Should().BeNull();
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task DecideAsync_RetriesUsedUp_DeadLetters()
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(Transient, Context(attempt: 4));

        decision.Action.Should().Be(ErrorAction.DeadLetter);
        decision.Reason.Should().Contain("3 retries");
        decision.Record!.RetryCount.Should().Be(3);
    }

    [Fact]
    public async Task DecideAsync_NotRetryable_EscalatesOnTheErrorsChannel()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);

        var decision = await rig.Errors.DecideAsync(Fatal, Context());

        decision.Action.Should().Be(ErrorAction.Escalate);
        decision.Delay.Should().Be(TimeSpan.Zero);
        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the escalation");
        var (channel, message) = rig.Messages.Single();
        channel.Should().Be(Channels.Errors);
        message.Type.Should().Be(MessageType.Error);
        message.Payload.Should().BeEquivalentTo(new ErrorPayload
        {
            Code = "BROKEN", Message = "no way", AgentId = "a", TaskId = "t", Action = ErrorAction.Escalate,
        });
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData(1, false, 1600)]
    [InlineData(4, false, 1602)]
    [InlineData(4, true, 1603)]
    public async Task DecideAsync_EveryDecision_IsLogged(int attempt, bool optional, int eventId)
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(Transient, Context(attempt, optional));

        var entry = rig.Logs.GetSnapshot().Single(log => log.Id.Id == eventId);
        entry.Message.Should().ContainAll("t", "a", "TRANSIENT_ERROR", "busy");
        decision.Reason.Should().NotBeEmpty();
    }

    [Fact]
    public async Task DecideAsync_EscalationAndOpenBreaker_AreLoggedWithTheirReason()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 2 } } });
        var escalated = await rig.Errors.DecideAsync(Fatal, Context());
        var open = await rig.Errors.DecideAsync(Fatal, Context());

        escalated.Reason.Should().Be("the error is not retryable.");
        open.Reason.Should().Be("the circuit is open and no other agent of the type can take it.");
        (await rig.Errors.DecideAsync(Transient, Context() with { AgentId = "b" })).Reason.Should().Be("the error is transient.");
        rig.Logs.GetSnapshot().Select(log => log.Id.Id).Should().Contain(1601).And.Contain(1604);
        rig.Logs.GetSnapshot().Single(log => log.Id.Id == 1604).Message.Should().Be("The circuit breaker of agent a went from Closed to Open.");
    }

    [Fact]
    public async Task Members_NullOrEmpty_AreRefusedByName()
    {
        await using var rig = await Rig.StartAsync();

        FluentActions.Invoking(() => new ErrorHandler(null!, rig.State)).Should().Throw<ArgumentNullException>().WithParameterName("bus");
        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, null!)).Should().Throw<ArgumentNullException>().WithParameterName("stateManager");
        await FluentActions.Awaiting(() => rig.Errors.HandleErrorAsync((Exception)null!).AsTask()).Should().ThrowAsync<ArgumentNullException>()
            .WithParameterName("error");
        await FluentActions.Awaiting(() => rig.Errors.DecideAsync(null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("error");
        FluentActions.Invoking(() => rig.Errors.GetCircuitBreaker("")).Should().Throw<ArgumentException>().WithParameterName("agentId");
        FluentActions.Invoking(() => rig.Errors.ResetCircuitBreaker("")).Should().Throw<ArgumentException>().WithParameterName("agentId");
        FluentActions.Invoking(() => RetryPolicy.Default.IsRetryable((TaskError)null!)).Should().Throw<ArgumentNullException>().WithParameterName("error");
    }

    [Fact]
    public async Task GetCircuitBreaker_Twice_IsTheSame()
    {
        await using var rig = await Rig.StartAsync();

        rig.Errors.GetCircuitBreaker("a").Should().BeSameAs(rig.Errors.GetCircuitBreaker("a"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_OptionalTask_SkipReplacesTheFinalAction(bool retryable)
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(retryable ? Transient : Fatal, Context(attempt: 4, optional: true));

        decision.Action.Should().Be(ErrorAction.Skip);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task DecideAsync_OptionalTaskWithRetriesLeft_IsRetriedAllTheSame()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(Transient, Context(optional: true))).Should().Be(ErrorAction.Retry);
    }

    [Theory]
    [InlineData(false, ErrorAction.DeadLetter)]
    [InlineData(true, ErrorAction.Retry)]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_CircuitOpen_DeadLettersOnlyWhenNobodyElseCouldTakeIt(bool others, ErrorAction expected)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });

        var action = await rig.Errors.HandleErrorAsync(Transient, Context() with { OtherAgentsAvailable = others });

        action.Should().Be(expected);
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeTrue();
    }

    [Fact]
    public async Task DecideAsync_RetryAfter_IsTheDelayWhenLonger()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.DecideAsync(Transient with { RetryAfter = TimeSpan.FromSeconds(90) }, Context())).Delay.Should().Be(TimeSpan.FromSeconds(90));
        (await rig.Errors.DecideAsync(Transient with { RetryAfter = TimeSpan.FromMilliseconds(5) }, Context())).Delay.Should().Be(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(999, ErrorAction.DeadLetter)]
    [InlineData(1000, ErrorAction.DeadLetter)]
    [InlineData(1001, ErrorAction.Retry)]
    public async Task DecideAsync_DeadlineBeforeNextAttempt_DeadLetters(int leftMs, ErrorAction expected)
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(Transient, Context() with { TimeLeft = TimeSpan.FromMilliseconds(leftMs) })).Should().Be(expected);
    }

    [Theory]
    [InlineData(ErrorCodes.TaskValidationFailed)]
    [InlineData(ErrorCodes.PolicyViolation)]
    [InlineData(ErrorCodes.Cancelled)]
    [InlineData(ErrorCodes.CircuitOpen)]
    [InlineData(ErrorCodes.BusDisconnected)]
    [InlineData(ErrorCodes.StateUnavailable)]
    [InlineData(ErrorCodes.StateNotConnected)]
    [InlineData(ErrorCodes.QueueFull)]
    public async Task DecideAsync_NotTheAgentsFault_CountsAgainstNoAgent(string code)
    {
        await using var rig = await Rig.StartAsync();

        await rig.Errors.DecideAsync(new TaskError { Code = code, Message = "x" }, Context());

        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(0);
    }

    [Fact]
    public async Task DecideAsync_AgentsFault_CountsAgainstTheAgent()
    {
        await using var rig = await Rig.StartAsync();

        await rig.Errors.DecideAsync(Fatal, Context());

        rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures.Should().Be(1);
        rig.Errors.GetCircuitBreaker("b").ConsecutiveFailures.Should().Be(0);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_SettingsOfAgentTypeAndTask_OverrideInThisOrder()
    {
        var options = new ErrorHandlerOptions
        {
            AgentTypes = { ["coding"] = new AgentTypeOptions { Retry = { MaxRetries = 1, InitialDelay = TimeSpan.FromSeconds(9) } } },
        };
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = options });
        var context = Context(attempt: 2);

        (await rig.Errors.HandleErrorAsync(Transient, context)).Should().Be(ErrorAction.DeadLetter);
        var own = context with { Task = context.Task! with { Retry = new RetrySettings { MaxRetries = 5 } } };
        (await rig.Errors.DecideAsync(Transient, own)).Delay.Should().Be(TimeSpan.FromSeconds(18));
        (await rig.Errors.HandleErrorAsync(Transient, context with { AgentType = AgentType.Review })).Should().Be(ErrorAction.Retry);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task GetCircuitBreaker_SettingsOfAgentTypeAndTask_AreUsed()
    {
        var options = new ErrorHandlerOptions
        {
            AgentTypes = { ["coding"] = new AgentTypeOptions { CircuitBreaker = { FailureThreshold = 2 } } },
        };
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = options });
        await rig.Errors.DecideAsync(Fatal, Context());
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeFalse();
        await rig.Errors.DecideAsync(Fatal, Context());
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeTrue();

        var task = Context().Task! with { CircuitBreaker = new CircuitBreakerSettings { FailureThreshold = 1 } };
        await rig.Errors.DecideAsync(Fatal, Context() with { AgentId = "b", Task = task });
        rig.Errors.GetCircuitBreaker("b").IsOpen().Should().BeTrue();
    }

    [Fact]
    public async Task HandleErrorAsync_Exception_IsClassified()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(new IOException("disk"), Context())).Should().Be(ErrorAction.Retry);
        (await rig.Errors.HandleErrorAsync(new InvalidOperationException("bug"), Context())).Should().Be(ErrorAction.Escalate);
    }

    [Fact]
    public async Task HandleErrorAsync_WithoutContext_Works()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(Fatal)).Should().Be(ErrorAction.Escalate);
    }

    [Fact]
    public async Task ResetCircuitBreaker_Open_ClosesIt()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.Errors.DecideAsync(Fatal, Context());
        rig.Errors.ResetCircuitBreaker("a");
        rig.Errors.ResetCircuitBreaker("nobody");

        rig.Errors.GetCircuitBreaker("a").State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public async Task New_InvalidPolicy_NamesSettingAndFix()
    {
        await using var rig = await Rig.StartAsync();

        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, rig.State, new RetryPolicy { MaxRetries = 99 }))
            .Should().Throw<ArgumentException>().WithMessage("*RetryPolicy.MaxRetries is 99; set it to 0 to 20.*");
    }

    [Fact]
    public void CircuitBreakerOptions_OutOfRange_QuoteSettingValueAndFix()
    {
        new CircuitBreakerOptions().Problems("B").Should().BeEmpty();
        new CircuitBreakerOptions { FailureThreshold = 1, SuccessThreshold = 1, HalfOpenTrials = 1 }.Problems("B").Should().BeEmpty();
        new CircuitBreakerOptions { FailureThreshold = 0, RecoveryTimeout = TimeSpan.Zero, SuccessThreshold = 0, HalfOpenTrials = 0 }.Problems(
            "B").Should().Equal(
            "B.FailureThreshold is 0; set it to 1 or more.",
            "B.RecoveryTimeout is 00:00:00; set it to more than zero.",
            "B.SuccessThreshold is 0; set it to 1 or more.",
            "B.HalfOpenTrials is 0; set it to 1 or more.");
    }
}
