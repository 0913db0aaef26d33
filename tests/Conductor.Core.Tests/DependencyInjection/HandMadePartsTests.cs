using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.DependencyInjection;

/// <summary>Parts that are built by hand check their settings as the container does: everything that is wrong, at once, before anything runs.</summary>
public sealed class HandMadePartsTests
{
    [Fact]
    public async Task ErrorHandler_SettingsOutOfRange_NamesThemAll()
    {
        await using var rig = await Rig.StartAsync();
        var options = new ErrorHandlerOptions
        {
            CircuitBreaker = { FailureThreshold = 0 },
            AgentTypes =
            {
                ["coding"] = new AgentTypeOptions { Retry = { MaxRetries = 100 }, CircuitBreaker = { SuccessThreshold = 0 } },
                ["no name"] = new AgentTypeOptions(),
            },
        };

        var act = () => new ErrorHandler(rig.Bus, rig.State, options: options);

        act.Should().Throw<ArgumentException>().WithParameterName("options").Which.Message.Should().ContainAll(
            "ErrorHandlerOptions.CircuitBreaker.FailureThreshold is 0",
            "ErrorHandlerOptions.AgentTypes[coding].Retry.MaxRetries is 100",
            "ErrorHandlerOptions.AgentTypes[coding].CircuitBreaker.SuccessThreshold is 0",
            "'no name' is no name for an agent type");
    }

    [Fact]
    public async Task ErrorHandler_TypesDelayAgainstTheGivenPolicy_IsJudgedMerged()
    {
        await using var rig = await Rig.StartAsync();
        var options = new ErrorHandlerOptions { AgentTypes = { ["coding"] = new AgentTypeOptions { Retry = { InitialDelay = TimeSpan.FromMinutes(2) } } } };

        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, rig.State, options: options)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, rig.State, new RetryPolicy { MaxDelay = TimeSpan.FromMinutes(10) }, options)).Should()
            .NotThrow();
    }

    [Fact]
    public void InMemoryStateManager_SettingsOutOfRange_NamesThemAll()
    {
        var act = () => new InMemoryStateManager(retention: new RetentionOptions
        {
            MaxFinishedWorkflows = -1, MaxTaskResults = 0, MaxDeadLetters = 0, MaxEventsPerWorkflow = 0, MaxAge = TimeSpan.Zero,
        });

        act.Should().Throw<ArgumentException>().WithParameterName("retention").Which.Message.Should().ContainAll(
            "RetentionOptions.MaxFinishedWorkflows is -1", "RetentionOptions.MaxTaskResults is 0", "RetentionOptions.MaxDeadLetters is 0",
            "RetentionOptions.MaxEventsPerWorkflow is 0", "RetentionOptions.MaxAge is 00:00:00");
    }

    [Fact]
    public void InMemoryMessageBus_SettingsOutOfRange_NamesThemAll()
    {
        var act = () => new InMemoryMessageBus(options: new MessageBusOptions { RequestTimeout = TimeSpan.FromSeconds(-1), SubscriptionCapacity = 0 });

        act.Should().Throw<ArgumentException>().WithParameterName("options").Which.Message.Should().ContainAll(
            "MessageBusOptions.RequestTimeout is -00:00:01", "MessageBusOptions.SubscriptionCapacity is 0");
    }

    [Fact]
    public async Task SubscribeAsync_UndefinedFullMode_IsRefused()
    {
        await using var rig = await Rig.StartAsync();

        var act = () => rig.Bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask, new SubscriptionOptions { FullMode = (QueueFullMode)9 }).AsTask();

        (await act.Should().ThrowAsync<ArgumentException>()).WithMessage("*FullMode is 9*");
    }

    [Fact]
    public async Task WorkflowEngine_UndefinedValues_AreNamed()
    {
        await using var rig = await Rig.StartAsync();
        var options = new WorkflowOptions { FeedbackSeverity = (FeedbackSeverity)9, AtFeedbackLimit = (FeedbackLimitAction)7 };

        var act = () => new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, options: options);

        act.Should().Throw<ArgumentException>().WithParameterName("options").Which.Message.Should().ContainAll(
            "WorkflowOptions.FeedbackSeverity is 9; use one of Info, Warning, Error, " +
                "Critical.", "WorkflowOptions.AtFeedbackLimit is 7; use one of Fail, Continue.");
    }

    [Fact]
    public async Task StartWorkflowAsync_UndefinedValuesInTheFeedbackRule_AreNamed()
    {
        await using var rig = await Rig.StartAsync();
        var definition = new WorkflowDefinition
        {
            Name = "w",
            Feedback = new FeedbackRule
            {
                From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development, MinSeverity = (FeedbackSeverity)9, AtLimit = (FeedbackLimitAction)7,
            },
        };

        var act = () => rig.Engine.StartWorkflowAsync(definition).AsTask();

        (await act.Should().ThrowAsync<WorkflowValidationException>()).Which.Problems.Should()
            .HaveCount(2).And.Contain(problem => problem.Contains("MinSeverity is 9"))
            .And.Contain(problem => problem.Contains("AtLimit is 7"));
    }

    [Fact]
    public async Task WorkflowEngine_ItsCoordinatorIsNotStarted_SaysSoAndRunsNothing()
    {
        await using var rig = await Rig.StartAsync();
        await using var coordinator = new AgentCoordinator(rig.Bus, rig.State, rig.Policies, rig.Errors, environment: rig.Environment);
        await using var engine = new WorkflowEngine(coordinator, rig.State, rig.Policies, environment: rig.Environment);
        var definition = new WorkflowDefinition { Name = "w", Tasks = [Rig.NewTask()] };

        await FluentActions.Awaiting(() => engine.StartWorkflowAsync(definition, new() { RunId = "run" }).AsTask()).Should()
            .ThrowAsync<InvalidOperationException>().WithMessage("*coordinator is not started*");

        (await rig.State.GetWorkflowStateAsync("run")).Should().BeNull();
        (await engine.RecoverAsync()).Should().Be(0);
    }

    [Fact]
    public async Task ErrorHandler_SettingsSetToNull_AreNamed()
    {
        await using var rig = await Rig.StartAsync();
        var nothing = new ErrorHandlerOptions { CircuitBreaker = null!, AgentTypes = null! };
        var parts = new ErrorHandlerOptions
        {
            AgentTypes = { ["none"] = null!, ["half"] = new AgentTypeOptions { Retry = null! }, ["other"] = new AgentTypeOptions { CircuitBreaker = null! } },
        };

        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, rig.State, options: nothing)).Should().Throw<ArgumentException>().WithParameterName("options")
            .Which.Message.Should().ContainAll("ErrorHandlerOptions.CircuitBreaker is null; leave it as it is", "ErrorHandlerOptions.AgentTypes is null");
        FluentActions.Invoking(() => new ErrorHandler(rig.Bus, rig.State, options: parts)).Should().Throw<ArgumentException>()
            .WithParameterName("options").Which.Message.Should().ContainAll(
            "ErrorHandlerOptions.AgentTypes[none] is null", "ErrorHandlerOptions.AgentTypes[half].Retry is null",
                "ErrorHandlerOptions.AgentTypes[other].CircuitBreaker is null");
    }

    [Fact]
    public void AgentTypes_OneTypeSpeltTwice_SaysWhichAndWhy()
    {
        var types = new Dictionary<string, AgentTypeOptions>(StringComparer.Ordinal) { ["coding"] = new(), ["Coding"] = new() };

        FluentActions.Invoking(() => new ConductorOptions { AgentTypes = types }).Should().Throw<ArgumentException>().WithMessage("*'Coding'*lower-cased*");
        FluentActions.Invoking(() => new ErrorHandlerOptions { AgentTypes = types }).Should().Throw<ArgumentException>().WithMessage("*'Coding'*lower-cased*");
    }

    [Fact]
    public async Task WorkflowEngine_NegativeFeedbackLoops_IsToldOfTheParameterThatGaveThem()
    {
        await using var rig = await Rig.StartAsync();

        FluentActions.Invoking(() => new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, maxFeedbackLoops: -1))
            .Should().Throw<ArgumentException>().WithParameterName("maxFeedbackLoops").WithMessage("*MaxFeedbackLoops is -1*");
    }

    [Fact]
    public void CircuitBreaker_ArgumentsOutOfRange_NamesThemAllAndNoParameterItHasNot()
    {
        var act = () => new CircuitBreaker("a", failureThreshold: 0, successThreshold: -1);

        var thrown = act.Should().Throw<ArgumentException>().Which;
        thrown.Message.Should().ContainAll("CircuitBreaker.FailureThreshold is 0", "CircuitBreaker.SuccessThreshold is -1");
        thrown.ParamName.Should().BeNull();
    }

    [Fact]
    public async Task SubscribeAsync_CapacityZero_NamesTheSetting()
    {
        await using var rig = await Rig.StartAsync();

        var act = () => rig.Bus.SubscribeAsync("c", (_, _) => ValueTask.CompletedTask, new SubscriptionOptions { Capacity = 0 }).AsTask();

        (await act.Should().ThrowAsync<ArgumentOutOfRangeException>()).WithParameterName("options")
            .WithMessage("SubscriptionOptions.Capacity is 0; set it to 1 or more.*");
    }

    [Fact]
    public async Task SubscribeAsync_CancelledToken_DoesNotSubscribe()
    {
        await using var bus = new InMemoryMessageBus();
        await bus.ConnectAsync();
        var seen = 0;
        ValueTask Handle(AgentMessage message, CancellationToken token)
        {
            seen++;
            return ValueTask.CompletedTask;
        }

        await FluentActions.Awaiting(() => bus.SubscribeAsync("c", Handle, cancellationToken: new CancellationToken(canceled: true)).AsTask())
            .Should().ThrowAsync<OperationCanceledException>();

        (await bus.UnsubscribeAsync("c", Handle)).Should().BeFalse();
        seen.Should().Be(0);
    }
}
