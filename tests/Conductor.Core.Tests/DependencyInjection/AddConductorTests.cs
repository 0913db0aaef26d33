using Conductor.Agents;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Conductor.Errors;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Conductor.Tests.DependencyInjection;

public sealed class AddConductorTests
{
    private static readonly AgentType _type = new("worker");

    private static async Task<ConductorRuntime> StartAsync(Action<ConductorBuilder> build, Action<IServiceCollection>? services = null)
    {
        var collection = new ServiceCollection();
        services?.Invoke(collection);
        build(collection.AddConductor());
        return await collection.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true }).StartConductorAsync();
    }

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

        (await conductor.DispatchAsync<string>(_type, "hey")).Should().Be("hey!");
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
            options.Retention = new RetentionOptions { MaxFinishedWorkflows = -1, MaxTaskResults = 0, MaxDeadLetters = 0, MaxEventsPerWorkflow = 0, MaxAge = TimeSpan.Zero };
            options.ShutdownTimeout = TimeSpan.FromSeconds(-1);
            options.AgentTypes["no good"] = new AgentTypeOptions { Retry = { MaxRetries = -1 }, CircuitBreaker = { HalfOpenTrials = 0 } };
        });
        await using var provider = services.BuildServiceProvider();

        var thrown = await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<OptionsValidationException>();

        thrown.Which.Failures.Should().HaveCount(16);
        thrown.Which.Failures.Should().Contain("ConductorOptions.Retry.MaxRetries is 99; set it to 0 to 20.").And.Contain(failure => failure.Contains("AgentTypes[no good].Retry.MaxRetries is -1"));
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
        (options.Retry.MaxRetries, options.Retry.InitialDelay, options.Retry.AdditionalRetryableErrors.Single()).Should().Be((7, TimeSpan.FromSeconds(2), "MINE"));
        (options.CircuitBreaker.FailureThreshold, options.Dispatch.QueueCapacity, options.Dispatch.WaitLimit).Should().Be((9, 11, TimeSpan.FromMinutes(1)));
        (options.AgentTypes["translator"].Retry!.MaxRetries, options.AgentTypes["translator"].CircuitBreaker!.FailureThreshold).Should().Be((1, 2));
        (options.Workflows.FeedbackSeverity, options.Bus.RequestTimeout, options.Retention.MaxTaskResults).Should().Be((FeedbackSeverity.Critical, TimeSpan.FromSeconds(5), 12));
        conductor.Policies.ListPolicies().Should().Contain("max_concurrent_tasks");
    }

    [Fact]
    public async Task AddAgent_Count_RegistersSoManyWithNumberedIds()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(_type, count: 3).AddAgent<Counter>(_type, agentId: "special"));

        conductor.Coordinator.AgentIds.Should().BeEquivalentTo("worker-1", "worker-2", "worker-3", "special");
    }

    [Fact]
    public async Task AddAgent_ByDefault_KeepsItsStateBetweenTasks()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(_type));

        (await conductor.DispatchAsync<int>(_type)).Should().Be(1);
        (await conductor.DispatchAsync<int>(_type)).Should().Be(2);
    }

    [Fact]
    public async Task AddAgent_PerTask_IsMadeAnewForEach()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(_type, lifetime: AgentLifetime.PerTask));

        (await conductor.DispatchAsync<int>(_type)).Should().Be(1);
        (await conductor.DispatchAsync<int>(_type)).Should().Be(1);
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
            builder.AddAgent(_type, (string _, TaskContext _, CancellationToken _) => ++runs > 0 ? throw new TimeoutException() : ValueTask.FromResult(string.Empty));
        });

        await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = _type, Input = "any" });

        runs.Should().Be(1);
    }

    [Fact]
    public async Task StopAsync_WhatAHandlerRegisteredOnItsTokenFails_StopsTheRest()
    {
        await using var conductor = await StartAsync(_ => { });
        var (handled, never) = (new TaskCompletionSource(), new TaskCompletionSource());
        await conductor.Bus.SubscribeAsync("channel", async (_, token) =>
        {
            token.Register(static () => throw new InvalidOperationException("the handler's own callback"));
            handled.SetResult();
            await never.Task.WaitAsync(token);
        });
        await conductor.Bus.PublishAsync("channel", new AgentMessage { Type = MessageType.Control, Sender = "test" });
        await handled.Task;

        await conductor.StopAsync();

        (conductor.Bus.IsConnected, conductor.State.IsConnected).Should().Be((false, false));
    }

    [Theory]
    [InlineData(AgentLifetime.PerAgent)]
    [InlineData(AgentLifetime.PerTask)]
    public async Task AddAgent_StopHookAndDisposalFail_TheResultStands(AgentLifetime lifetime)
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<BadEnd>(_type, lifetime: lifetime));

        var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = _type });

        (result.Status, result.Attempts).Should().Be((AgentTaskStatus.Completed, 1));
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task AddAgent_ScopedDependency_ComesFromAScopeOfEachTaskThatEndsWithIt()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<NeedsScoped>(_type), services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(_type);
        var second = await conductor.DispatchAsync<Scoped>(_type);

        first.Should().NotBeSameAs(second);
        (first.Disposals, second.Disposals).Should().Be((1, 1));
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task Services_OfATask_AreAScopeOfItsOwn()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(_type, (string _, TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Services.GetRequiredService<Scoped>())),
            services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(_type, "x");
        var second = await conductor.DispatchAsync<Scoped>(_type, "x");

        first.Should().NotBeSameAs(second);
        first.Disposals.Should().Be(1);
    }

    [Fact]
    public async Task AddAgent_DelegateWithoutInput_Runs()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent(_type, (TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Attempt)));

        (await conductor.DispatchAsync<int>(_type)).Should().Be(1);
    }

    [Fact]
    public async Task AddAgent_Factory_GetsTheProvider()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(_type, provider => new Greeter(provider.GetRequiredService<Uri>())), services => services.AddSingleton(new Uri("urn:x")));

        (await conductor.DispatchAsync<string, string>(_type, "Ada")).Should().Be("Ada of urn:x");
    }

    [Fact]
    public async Task DisposeAsync_AgentsTheContainerMade_AreStoppedAndDisposed()
    {
        var disposable = new Scoped();
        var conductor = await StartAsync(builder => builder.AddAgent(_type, _ => new Disposable(disposable)));
        await conductor.DisposeAsync();
        await conductor.DisposeAsync();

        disposable.Disposals.Should().Be(1);
        await FluentActions.Awaiting(() => conductor.StartAsync()).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public void AddAgent_NoType_CountBelowOneOrSharedId_AreRefused()
    {
        var builder = new ServiceCollection().AddConductor();

        builder.Invoking(it => it.AddAgent<Counter>(default)).Should().Throw<NoAgentTypeException>();
        builder.Invoking(it => it.AddAgent<Counter>(_type, count: 0)).Should().Throw<ArgumentOutOfRangeException>();
        builder.Invoking(it => it.AddAgent<Counter>(_type, count: 2, agentId: "a")).Should().Throw<ArgumentException>();
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
        await using var conductor = await StartAsync(builder => builder.UseMessageBus(_ => new InMemoryMessageBus()).UseStateManager(_ => new InMemoryStateManager()).UseErrorClassifier<AllTransient>());

        conductor.Bus.IsConnected.Should().BeTrue();
        await using var typed = await StartAsync(builder => builder.UseMessageBus<InMemoryMessageBus>().UseStateManager<InMemoryStateManager>());
        typed.State.IsConnected.Should().BeTrue();
    }

    [Fact]
    public async Task StartConductorAsync_AgentsStartHookFails_LeavesNothingRunning()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<Counter>(_type).AddAgent<BadStart>(_type);
        await using var provider = services.BuildServiceProvider();

        await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("no key");

        provider.GetRequiredService<AgentCoordinator>().AgentIds.Should().BeEmpty();
        provider.GetRequiredService<MessageBus>().IsConnected.Should().BeFalse();
    }

    [Fact]
    public async Task Host_StartAndStop_RunsEverythingWithinIt()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddConductor().AddAgent<Counter>(_type);
        using var host = builder.Build();
        await host.StartAsync();
        var coordinator = host.Services.GetRequiredService<AgentCoordinator>();
        (await coordinator.DispatchAsync<int>(_type)).Should().Be(1);
        await host.StopAsync();

        coordinator.IsStarted.Should().BeFalse();
    }

    [Fact]
    public async Task SeveralProviders_InOneProcess_DoNotMeet()
    {
        var runtimes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync(builder => builder.AddAgent<Counter>(_type))));

        foreach (var runtime in runtimes)
        {
            (await runtime.DispatchAsync<int>(_type)).Should().Be(1);
            await runtime.DisposeAsync();
        }
    }

    private sealed class Scoped : IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }

    private sealed class Counter : BaseAgent
    {
        private int _calls;

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(++_calls));
    }

    private sealed class BadEnd : BaseAgent, IDisposable
    {
        public void Dispose() => throw new InvalidOperationException("disposal");

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new("done");

        protected override ValueTask OnStopAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("stop hook");
    }

    private sealed class NeedsScoped(Scoped scoped) : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(scoped));
    }

    private sealed class Greeter(Uri uri) : BaseAgent<string, string>
    {
        protected override ValueTask<string> RunAsync(string input, TaskContext task, CancellationToken cancellationToken) => new($"{input} of {uri}");
    }

    private sealed class Disposable(Scoped inner) : BaseAgent, IDisposable
    {
        public void Dispose() => inner.Dispose();

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }

    private sealed class BadStart : BaseAgent
    {
        protected override ValueTask OnStartAsync(CancellationToken cancellationToken) => throw new InvalidOperationException("no key");

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
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
}
