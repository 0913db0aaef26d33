using Conductor.Agents;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

public sealed class AddConductorTests
{
    [Fact]
    public async Task AddConductor_Defaults_HasThreePoliciesAndInMemoryProviders()
    {
        await using var conductor = await StartAsync(_ => { });

        conductor.Policies.ListPolicies().Should().Equal("task_timeout", "agent_availability", "phase_gate");
        conductor.Bus.Should().BeOfType<InMemoryMessageBus>();
        conductor.State.Should().BeOfType<InMemoryStateManager>();
    }

    [Fact]
    public async Task AddConductor_Twice_IsOne()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent("worker", (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text + "!"));
        services.AddConductor(options => options.Retry.MaxRetries = 1);
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();

        (await conductor.DispatchAsync<string>(Worker, "hey")).Should().Be("hey!");
        provider.GetServices<IHostedService>().Should().ContainSingle();
        provider.GetRequiredService<AgentCoordinator>().Should().BeSameAs(conductor.Coordinator);
        provider.GetRequiredService<WorkflowEngine>().Should().BeSameAs(conductor.Workflows);
    }

    [Fact]
    public async Task AddConductor_InvalidOptions_NamesEverySettingValueAndFix()
    {
        var services = new ServiceCollection();
        services.AddConductor(options =>
        {
            options.Retry.MaxRetries = 99;
            options.CircuitBreaker.FailureThreshold = 0;
            options.Dispatch.QueueCapacity = 0;
            options.Policies.MinPhaseSuccessRate = 2;
            options.Workflows.MaxFeedbackLoops = -1;
            options.Bus.RequestTimeout = TimeSpan.Zero;
            options.Bus.SubscriptionCapacity = 0;
            options.Retention = new RetentionOptions { MaxFinishedWorkflows = -1, MaxTaskResults = 0, MaxDeadLetters = 0, MaxEventsPerWorkflow = 0,
                MaxAge = TimeSpan.Zero };
            options.ShutdownTimeout = TimeSpan.FromSeconds(-1);
            options.AgentTypes["no good"] = new AgentTypeOptions { Retry = { MaxRetries = -1 }, CircuitBreaker = { HalfOpenTrials = 0 } };
        });
        await using var provider = services.BuildServiceProvider();

        var thrown = await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<OptionsValidationException>();

        thrown.Which.Failures.Should().HaveCount(16);
        thrown.Which.Failures.Should().Contain("ConductorOptions.Retry.MaxRetries is 99; set it to 0 to 20.").And.Contain(
            failure => failure.Contains("AgentTypes[no good].Retry.MaxRetries is -1"));
    }

    [Fact]
    public async Task AddConductor_SettingsThatAreNull_AreNamed()
    {
        var services = new ServiceCollection();
        services.AddConductor(static options =>
        {
            options.Retry = null!;
            options.CircuitBreaker = null!;
            options.Dispatch = null!;
            options.Policies = null!;
            options.Workflows = null!;
            options.Bus = null!;
            options.Retention = null!;
            options.AgentTypes["none"] = null!;
            options.AgentTypes["half"] = new AgentTypeOptions { Retry = null!, CircuitBreaker = null! };
        });
        await using var provider = services.BuildServiceProvider();

        var thrown = await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<OptionsValidationException>();

        thrown.Which.Failures.Should().HaveCount(10).And.OnlyContain(static failure => failure.Contains(" is null; "));
        thrown.Which.Failures.Should().Contain(static failure => failure.StartsWith("ConductorOptions.Retry is null"))
            .And.Contain(static failure => failure.StartsWith("ConductorOptions.AgentTypes[none] is null")).And.Contain(
                static failure => failure.StartsWith("ConductorOptions.AgentTypes[half].CircuitBreaker is null"));
    }

    /// <summary>One part that is null hid what was wrong with all others.</summary>
    [Fact]
    public void AddConductor_APartIsNull_TheProblemsOfOthersAreToldAlike()
    {
        using var provider = new ServiceCollection().AddConductor(static options =>
        {
            options.Bus = null!;
            options.Retry = null!;
            options.Dispatch.QueueCapacity = 0;
            options.CircuitBreaker.FailureThreshold = 0;
            options.AgentTypes["half"] = new AgentTypeOptions { Retry = null!, CircuitBreaker = { SuccessThreshold = 0 } };
            options.AgentTypes["none"] = null!;
        }).Services.BuildServiceProvider();

        var thrown = FluentActions.Invoking(() => provider.GetRequiredService<IOptions<ConductorOptions>>().Value).Should().Throw<OptionsValidationException>();

        thrown.Which.Failures.Select(static failure => failure.Split(' ')[0]).Should().BeEquivalentTo(
            "ConductorOptions.Bus", "ConductorOptions.Retry", "ConductorOptions.AgentTypes[half].Retry", "ConductorOptions.AgentTypes[none]",
            "ConductorOptions.Dispatch.QueueCapacity", "ConductorOptions.CircuitBreaker.FailureThreshold",
            "ConductorOptions.AgentTypes[half].CircuitBreaker.SuccessThreshold");
    }

    [Theory]
    [InlineData("typo", 1)]
    [InlineData("Worker", 0)]
    public async Task StartConductorAsync_SettingsOfATypeThatNoAgentHas_WarnsOfTheName(string type, int warnings)
    {
        var logs = new FakeLogCollector();
        var services = new ServiceCollection().AddSingleton<ILoggerFactory>(new FakeLoggerFactory(logs));
        services.AddConductor(options => options.AgentTypes[type] = new AgentTypeOptions()).AddAgent<Counter>(Worker);
        await using var provider = services.BuildServiceProvider();

        await using var conductor = await provider.StartConductorAsync();

        var told = logs.GetSnapshot().Where(static entry => entry.Id.Id == 1005).ToList();
        told.Should().HaveCount(warnings);
        told.Should().NotContain(entry => entry.Level != LogLevel.Warning || !entry.Message.Contains($"'{type}'") || !entry.Message.Contains("worker"));
    }

    [Fact]
    public async Task AddConductor_AgentTypesNull_IsNamed()
    {
        var services = new ServiceCollection();
        services.AddConductor(static options => options.AgentTypes = null!);
        await using var provider = services.BuildServiceProvider();

        (await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should()
            .ContainSingle("ConductorOptions.AgentTypes is null");
    }

    /// <summary>It starts before Conductor does, as hosts go by the order of registration.</summary>
    [Fact]
    public async Task Dispatch_OfAServiceRegisteredBefore_SaysInWhichOrderHostsStart()
    {
        var builder = Host.CreateApplicationBuilder();
        Exception? seen = null;
        builder.Services.AddSingleton<IHostedService>(provider => new Early(async () =>
            seen = await Record.ExceptionAsync(() => provider.GetRequiredService<AgentCoordinator>().DispatchAsync<string>(Worker, "hey").AsTask())));
        builder.Services.AddConductor();
        using var host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();

        seen.Should().BeOfType<InvalidOperationException>().Which.Message.Should().Contain("after AddConductor()");
    }

    [Fact]
    public async Task AddConductor_InvalidOptions_StopTheHostAtStart()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddConductor(options => options.Retry.MaxRetries = 99);
        using var host = builder.Build();

        await FluentActions.Awaiting(() => host.StartAsync()).Should().ThrowAsync<OptionsValidationException>();
    }

    [Fact]
    public async Task AddConductor_Section_BindsEveryRoom()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Conductor:Retry:MaxRetries"] = "7",
            ["Conductor:Retry:InitialDelay"] = "00:00:02",
            ["Conductor:Retry:AdditionalRetryableErrors:0"] = "MINE",
            ["Conductor:CircuitBreaker:FailureThreshold"] = "9",
            ["Conductor:AgentTypes:translator:Retry:MaxRetries"] = "1",
            ["Conductor:AgentTypes:translator:CircuitBreaker:FailureThreshold"] = "2",
            ["Conductor:Dispatch:QueueCapacity"] = "11",
            ["Conductor:Dispatch:WaitLimit"] = "00:01:00",
            ["Conductor:Policies:MaxConcurrentTasks"] = "3",
            ["Conductor:Workflows:FeedbackSeverity"] = "Critical",
            ["Conductor:Bus:RequestTimeout"] = "00:00:05",
            ["Conductor:Retention:MaxTaskResults"] = "12",
        }).Build();
        var services = new ServiceCollection();
        services.AddConductor(configuration.GetSection("Conductor"));
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();

        var options = provider.GetRequiredService<IOptions<ConductorOptions>>().Value;
        (options.Retry.MaxRetries, options.Retry.InitialDelay, options.Retry.AdditionalRetryableErrors.Single()).Should()
            .Be((7, TimeSpan.FromSeconds(2), "MINE"));
        (options.CircuitBreaker.FailureThreshold, options.Dispatch.QueueCapacity, options.Dispatch.WaitLimit).Should().Be((9, 11, TimeSpan.FromMinutes(1)));
        (options.AgentTypes["translator"].Retry!.MaxRetries, options.AgentTypes["translator"].CircuitBreaker!.FailureThreshold).Should().Be((1, 2));
        (options.Workflows.FeedbackSeverity, options.Bus.RequestTimeout, options.Retention.MaxTaskResults).Should()
            .Be((FeedbackSeverity.Critical, TimeSpan.FromSeconds(5), 12));
        conductor.Policies.ListPolicies().Should().Contain("max_concurrent_tasks");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AddConductor_ABlankRetryableError_StopsTheStart(bool isOfOneType)
    {
        var services = new ServiceCollection();
        services.AddConductor(options =>
        {
            if (isOfOneType)
            {
                options.AgentTypes["half"] = new AgentTypeOptions { Retry = { RetryableErrors = [null!] } };
            }
            else
            {
                options.Retry.AdditionalRetryableErrors.Add(" ");
            }
        });
        await using var provider = services.BuildServiceProvider();

        var start = () => provider.StartConductorAsync();

        var where = isOfOneType ? "ConductorOptions.AgentTypes[half].Retry" : "ConductorOptions.Retry";
        (await start.Should().ThrowAsync<OptionsValidationException>()).Which.Failures.Should().Equal(
            $"{where} has a blank error code among those that are retried; name one, such as LLM_TIMEOUT, or leave it out.");
    }

    [Fact]
    public async Task AddPolicy_AndClassifier_FromFactories_AreUsed()
    {
        await using var conductor = await StartAsync(static builder => builder
            .AddPolicy(static _ => new MaxConcurrentTasksPolicy(7))
            .UseErrorClassifier(static _ => new Renaming())
            .AddAgent("worker", static (_, _) => throw new InvalidTimeZoneException("scripted")));

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = new AgentType("worker") });

        conductor.Policies.ListPolicies().Should().Contain("max_concurrent_tasks");
        result.Error!.Code.Should().Be("RENAMED");
    }

    [Fact]
    public async Task AddConductor_AgentTypesOfADictionaryOfOnesOwn_AreFoundHoweverTheyAreSpelt()
    {
        var runs = 0;
        await using var conductor = await StartAsync(builder =>
        {
            builder.Services.Configure<ConductorOptions>(static options => options.AgentTypes = new Dictionary<string, AgentTypeOptions>(StringComparer.Ordinal)
            {
                ["Worker"] = new() { Retry = { MaxRetries = 0 } },
            });
            builder.AddAgent(
                Worker, (string _, TaskContext _, CancellationToken _) => ++runs > 0 ? throw new TimeoutException() : ValueTask.FromResult(string.Empty));
        });

        await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = Worker, Input = "any" });

        runs.Should().Be(1);
    }

    [Fact]
    public async Task AddPolicy_NamedLikeABuiltIn_TakesItsPlace()
    {
        await using var conductor = await StartAsync(builder => builder.AddPolicy(new PhaseGatePolicy(0.5)).AddPolicy<MaxConcurrentTasksPolicyOfMine>());

        conductor.Policies.ListPolicies().Should().Equal("task_timeout", "agent_availability", "phase_gate", "mine");
        ((PhaseGatePolicy)conductor.Policies.GetPolicy("phase_gate")!).MinSuccessRate.Should().Be(0.5);
    }

    [Fact]
    public async Task UseMessageBusAndStateManager_Others_AreUsed()
    {
        await using var conductor = await StartAsync(
            builder =>
            builder.UseMessageBus(_ => new InMemoryMessageBus()).UseStateManager(_ => new InMemoryStateManager()).UseErrorClassifier<AllTransient>());

        conductor.Bus.IsConnected.Should().BeTrue();
        await using var typed = await StartAsync(builder => builder.UseMessageBus<InMemoryMessageBus>().UseStateManager<InMemoryStateManager>());
        typed.State.IsConnected.Should().BeTrue();
    }

    private sealed class MaxConcurrentTasksPolicyOfMine : Policy<DispatchPolicyContext>
    {
        public override string Name => "mine";

        public override string Description => "mine";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) => new(Allowed);
    }

    private sealed class AllTransient : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => new() { Code = ErrorCodes.TransientError, Message = exception.Message };
    }

    private sealed class Renaming : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => new() { Code = "RENAMED", Message = exception.Message };
    }

    private sealed class Early(Func<Task> start) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => start();

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
