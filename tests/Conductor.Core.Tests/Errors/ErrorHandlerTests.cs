using Conductor.Errors;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;

namespace Conductor.Tests.Errors;

public sealed class ErrorHandlerTests
{
    private static readonly TaskError _transient = new() { Code = ErrorCodes.TransientError, Message = "busy" };
    private static readonly TaskError _fatal = new() { Code = "BROKEN", Message = "no way" };

    private static ErrorContext Context(int attempt = 1, bool optional = false) => new()
    {
        AgentId = "a",
        AgentType = AgentType.Coding,
        Attempt = attempt,
        Task = new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Optional = optional },
    };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 4)]
    public async Task DecideAsync_TransientWithRetriesLeft_RetriesWithBackoff(int attempt, int seconds)
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(_transient, Context(attempt));

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

        var decision = await rig.Errors.DecideAsync(_transient, Context(attempt: 4));

        decision.Action.Should().Be(ErrorAction.DeadLetter);
        decision.Reason.Should().Contain("3 retries");
        decision.Record!.RetryCount.Should().Be(3);
    }

    [Fact]
    public async Task DecideAsync_NotRetryable_EscalatesOnTheErrorsChannel()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);

        var decision = await rig.Errors.DecideAsync(_fatal, Context());

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

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_DeadLetter_IsStoredAndPublished()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors, Channels.DeadLetters);
        var context = Context(attempt: 4) with { WorkflowId = "w", Round = 2, IdempotencyKey = "key:2" };

        var decision = await rig.Errors.DecideAsync(_transient, context);

        var stored = (await rig.Errors.GetDeadLetterQueueAsync()).Single();
        stored.Should().BeEquivalentTo(decision.Record);
        stored.Code.Should().Be("TRANSIENT_ERROR");
        stored.Message.Should().Be("busy");
        stored.Timestamp.Should().Be(rig.Time.GetUtcNow());
        stored.Task!.Id.Should().Be("t");
        (stored.WorkflowId, stored.Round, stored.IdempotencyKey).Should().Be(("w", 2, "key:2"));
        stored.Context.Should().Contain(new Dictionary<string, string>
        {
            ["agent_id"] = "a", ["agent_type"] = "coding", ["task_id"] = "t", ["workflow_id"] = "w", ["round"] = "2", ["attempts"] = "4",
        });
        await Rig.UntilAsync(() => rig.Messages.Count == 1, "the dead letter");
        rig.Messages.Single().Channel.Should().Be(Channels.DeadLetters);
        ((ErrorPayload)rig.Messages.Single().Message.Payload!).DeadLetterId.Should().Be(stored.Id);
    }

    [Fact]
    public async Task DecideAsync_DeadLetterOutsideWorkflows_TellsEverythingKnownAndNothingElse()
    {
        await using var rig = await Rig.StartAsync();
        var context = Context(attempt: 4);
        context = context with { Task = context.Task! with { Name = "build it" } };

        var letter = (await rig.Errors.DecideAsync(_transient with { Type = "System.IO.IOException" }, context)).Record!;

        letter.Context.Should().Equal(new Dictionary<string, string>
        {
            ["reason"] = "all 3 retries are used up.", ["attempts"] = "4", ["agent_id"] = "a", ["agent_type"] = "coding",
            ["task_id"] = "t", ["task_name"] = "build it", ["error_type"] = "System.IO.IOException",
        });
        letter.WorkflowId.Should().BeNull();
    }

    [Fact]
    public async Task DecideAsync_DeadLetterWithoutTask_TakesTheTypeOfTheContext()
    {
        await using var rig = await Rig.StartAsync();
        var context = new ErrorContext { AgentId = "a", AgentType = AgentType.Review, Attempt = 4 };

        (await rig.Errors.DecideAsync(_transient, context)).Record!.Context["agent_type"].Should().Be("review");
        (await rig.Errors.DecideAsync(_transient, context with { AgentType = default })).Record!.Context.Should().NotContainKey("agent_type").And.NotContainKey("task_id");
    }

    [Theory]
    [InlineData(1, false, 1600)]
    [InlineData(4, false, 1602)]
    [InlineData(4, true, 1603)]
    public async Task DecideAsync_EveryDecision_IsLogged(int attempt, bool optional, int eventId)
    {
        await using var rig = await Rig.StartAsync();

        var decision = await rig.Errors.DecideAsync(_transient, Context(attempt, optional));

        var entry = rig.Logs.GetSnapshot().Single(log => log.Id.Id == eventId);
        entry.Message.Should().ContainAll("t", "a", "TRANSIENT_ERROR", "busy");
        decision.Reason.Should().NotBeEmpty();
    }

    [Fact]
    public async Task DecideAsync_EscalationAndOpenBreaker_AreLoggedWithTheirReason()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 2 } } });
        var escalated = await rig.Errors.DecideAsync(_fatal, Context());
        var open = await rig.Errors.DecideAsync(_fatal, Context());

        escalated.Reason.Should().Be("the error is not retryable.");
        open.Reason.Should().Be("the circuit is open and no other agent of the type can take it.");
        (await rig.Errors.DecideAsync(_transient, Context() with { AgentId = "b" })).Reason.Should().Be("the error is transient.");
        rig.Logs.GetSnapshot().Select(log => log.Id.Id).Should().Contain(1601).And.Contain(1604);
        rig.Logs.GetSnapshot().Single(log => log.Id.Id == 1604).Message.Should().Be("The circuit breaker of agent a went from Closed to Open.");
    }

    [Fact]
    public async Task Members_NullOrEmpty_AreRefusedByName()
    {
        await using var rig = await Rig.StartAsync();

        FluentActions.Invoking(() => new ErrorHandler(null!, rig.State)).Should().Throw<ArgumentNullException>().WithParameterName("bus");
        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, null!)).Should().Throw<ArgumentNullException>().WithParameterName("stateManager");
        await FluentActions.Awaiting(() => rig.Errors.HandleErrorAsync((Exception)null!).AsTask()).Should().ThrowAsync<ArgumentNullException>().WithParameterName("error");
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

        var decision = await rig.Errors.DecideAsync(retryable ? _transient : _fatal, Context(attempt: 4, optional: true));

        decision.Action.Should().Be(ErrorAction.Skip);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task DecideAsync_OptionalTaskWithRetriesLeft_IsRetriedAllTheSame()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(_transient, Context(optional: true))).Should().Be(ErrorAction.Retry);
    }

    [Theory]
    [InlineData(false, ErrorAction.DeadLetter)]
    [InlineData(true, ErrorAction.Retry)]
    [Trait("Behaviour", "7")]
    public async Task DecideAsync_CircuitOpen_DeadLettersOnlyWhenNobodyElseCouldTakeIt(bool others, ErrorAction expected)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });

        var action = await rig.Errors.HandleErrorAsync(_transient, Context() with { OtherAgentsAvailable = others });

        action.Should().Be(expected);
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeTrue();
    }

    [Fact]
    public async Task DecideAsync_RetryAfter_IsTheDelayWhenLonger()
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.DecideAsync(_transient with { RetryAfter = TimeSpan.FromSeconds(90) }, Context())).Delay.Should().Be(TimeSpan.FromSeconds(90));
        (await rig.Errors.DecideAsync(_transient with { RetryAfter = TimeSpan.FromMilliseconds(5) }, Context())).Delay.Should().Be(TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(999, ErrorAction.DeadLetter)]
    [InlineData(1000, ErrorAction.DeadLetter)]
    [InlineData(1001, ErrorAction.Retry)]
    public async Task DecideAsync_DeadlineBeforeNextAttempt_DeadLetters(int leftMs, ErrorAction expected)
    {
        await using var rig = await Rig.StartAsync();

        (await rig.Errors.HandleErrorAsync(_transient, Context() with { TimeLeft = TimeSpan.FromMilliseconds(leftMs) })).Should().Be(expected);
    }

    [Theory]
    [InlineData(ErrorCodes.TaskValidationFailed)]
    [InlineData(ErrorCodes.PolicyViolation)]
    [InlineData(ErrorCodes.Cancelled)]
    [InlineData(ErrorCodes.CircuitOpen)]
    [InlineData(ErrorCodes.BusDisconnected)]
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

        await rig.Errors.DecideAsync(_fatal, Context());

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

        (await rig.Errors.HandleErrorAsync(_transient, context)).Should().Be(ErrorAction.DeadLetter);
        var own = context with { Task = context.Task! with { Retry = new RetrySettings { MaxRetries = 5 } } };
        (await rig.Errors.DecideAsync(_transient, own)).Delay.Should().Be(TimeSpan.FromSeconds(18));
        (await rig.Errors.HandleErrorAsync(_transient, context with { AgentType = AgentType.Review })).Should().Be(ErrorAction.Retry);
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
        await rig.Errors.DecideAsync(_fatal, Context());
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeFalse();
        await rig.Errors.DecideAsync(_fatal, Context());
        rig.Errors.GetCircuitBreaker("a").IsOpen().Should().BeTrue();

        var task = Context().Task! with { CircuitBreaker = new CircuitBreakerSettings { FailureThreshold = 1 } };
        await rig.Errors.DecideAsync(_fatal, Context() with { AgentId = "b", Task = task });
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

        (await rig.Errors.HandleErrorAsync(_fatal)).Should().Be(ErrorAction.Escalate);
    }

    [Fact]
    public async Task ResetCircuitBreaker_Open_ClosesIt()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Errors = new ErrorHandlerOptions { CircuitBreaker = { FailureThreshold = 1 } } });
        await rig.Errors.DecideAsync(_fatal, Context());
        rig.Errors.ResetCircuitBreaker("a");
        rig.Errors.ResetCircuitBreaker("nobody");

        rig.Errors.GetCircuitBreaker("a").State.Should().Be(CircuitBreakerState.Closed);
    }

    [Fact]
    public async Task ClearDeadLetterQueueAsync_Some_RemovesAndCountsThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Errors.DecideAsync(_transient, Context(4));
        await rig.Errors.DecideAsync(_transient, Context(4));

        (await rig.Errors.ClearDeadLetterQueueAsync()).Should().Be(2);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task GetDeadLetterQueueAsync_MoreThanAPage_GivesAllOldestFirst()
    {
        await using var rig = await Rig.StartAsync();
        for (var i = 0; i < PageRequest.MaxSize + 5; i++)
        {
            await rig.State.SaveDeadLetterAsync(new ErrorRecord { Id = $"d{i:0000}", Code = "X", Message = "x", Timestamp = rig.Time.GetUtcNow() });
        }

        (await rig.Errors.GetDeadLetterQueueAsync()).Select(letter => letter.Id).Should().HaveCount(PageRequest.MaxSize + 5).And.BeInAscendingOrder();
    }

    [Fact]
    public async Task DecideAsync_BusDown_KeepsTheLetterAndLogs()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Bus.DisconnectAsync();

        (await rig.Errors.HandleErrorAsync(_transient, Context(4))).Should().Be(ErrorAction.DeadLetter);
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().HaveCount(1);
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1605);
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
        new CircuitBreakerOptions { FailureThreshold = 0, RecoveryTimeout = TimeSpan.Zero, SuccessThreshold = 0, HalfOpenTrials = 0 }.Problems("B").Should().Equal(
            "B.FailureThreshold is 0; set it to 1 or more.",
            "B.RecoveryTimeout is 00:00:00; set it to more than zero.",
            "B.SuccessThreshold is 0; set it to 1 or more.",
            "B.HalfOpenTrials is 0; set it to 1 or more.");
    }
}
