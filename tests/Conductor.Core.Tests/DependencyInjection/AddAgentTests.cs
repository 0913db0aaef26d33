using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using static Conductor.Tests.Support.Containers;

namespace Conductor.Tests.DependencyInjection;

/// <summary>How agents get into a container, and how long they live.</summary>
public sealed class AddAgentTests
{
    [Fact]
    public async Task AddAgent_Count_RegistersSoManyWithNumberedIds()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(Worker, count: 3).AddAgent<Counter>(Worker, agentId: "special"));

        conductor.Coordinator.AgentIds.Should().BeEquivalentTo("worker-1", "worker-2", "worker-3", "special");
    }

    [Fact]
    public async Task AddAgent_AnIdIsGivenThatLooksLikeANumberedOne_NoneIsMadeThatIsTheSame()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(Worker, agentId: "worker-2").AddAgent<Counter>(Worker, count: 2));

        conductor.Coordinator.AgentIds.Should().BeEquivalentTo("worker-2", "worker-3", "worker-4");
    }

    [Fact]
    public async Task AddAgent_ByDefault_KeepsItsStateBetweenTasks()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(Worker));

        (await conductor.DispatchAsync<int>(Worker)).Should().Be(1);
        (await conductor.DispatchAsync<int>(Worker)).Should().Be(2);
    }

    [Fact]
    public async Task AddAgent_PerTask_IsMadeAnewForEach()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<Counter>(Worker, lifetime: AgentLifetime.PerTask));

        (await conductor.DispatchAsync<int>(Worker)).Should().Be(1);
        (await conductor.DispatchAsync<int>(Worker)).Should().Be(1);
    }

    [Theory]
    [InlineData(AgentLifetime.PerAgent)]
    [InlineData(AgentLifetime.PerTask)]
    public async Task AddAgent_StopHookAndDisposalFail_TheResultStands(AgentLifetime lifetime)
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<BadEnd>(Worker, lifetime: lifetime));

        var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { AgentType = Worker });

        (result.Status, result.Attempts).Should().Be((AgentTaskStatus.Completed, 1));
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task AddAgent_ScopedDependency_ComesFromAScopeOfEachTaskThatEndsWithIt()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent<NeedsScoped>(Worker), services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(Worker);
        var second = await conductor.DispatchAsync<Scoped>(Worker);

        first.Should().NotBeSameAs(second);
        (first.Disposals, second.Disposals).Should().Be((1, 1));
    }

    [Fact]
    public async Task AddAgent_FactoryPerTask_GetsTheServicesOfEachTask()
    {
        await using var conductor = await StartAsync(
            static builder => builder.AddAgent(Worker, static scope => new NeedsScoped(scope.GetRequiredService<Scoped>()), lifetime: AgentLifetime.PerTask),
            static services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(Worker);
        var second = await conductor.DispatchAsync<Scoped>(Worker);

        first.Should().NotBeSameAs(second);
        (first.Disposals, second.Disposals).Should().Be((1, 1));
    }

    [Fact]
    public async Task AddAgent_FactoryPerTaskThatGivesNull_FailsTheTaskAndSaysSo()
    {
        await using var conductor = await StartAsync(static builder => builder.AddAgent(Worker, static _ => null!, lifetime: AgentLifetime.PerTask));

        var result = await conductor.DispatchTaskAsync(new TaskDefinition { AgentType = Worker });

        (result.Status, result.Error!.Message).Should()
            .Be((AgentTaskStatus.Failed, "The factory of agent 'worker-1' gave null. Let it give an agent for each task."));
    }

    [Fact]
    public async Task AddAgent_SeveralOfAScopedDependency_ComeFromAScopeOfEachTaskToo()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent<NeedsAllScoped>(Worker), static services => services.AddScoped<Scoped>().AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<IReadOnlyList<Scoped>>(Worker);
        var second = await conductor.DispatchAsync<IReadOnlyList<Scoped>>(Worker);

        first.Concat(second).Should().OnlyHaveUniqueItems().And.HaveCount(4).And.OnlyContain(static scoped => scoped.Disposals == 1);
    }

    /// <summary>A transient service lives as long as whoever asked for it, and what it asked for as well.</summary>
    [Theory]
    [InlineData(typeof(NeedsTransient))]
    [InlineData(typeof(NeedsDeeper))]
    [InlineData(typeof(NeedsAllTransient))]
    [InlineData(typeof(NeedsKeyed))]
    [InlineData(typeof(NeedsGeneric))]
    public async Task AddAgent_ScopedDependencyOfATransientOne_ComesFromAScopeOfEachTask(Type agent)
    {
        await using var conductor = await StartAsync(
            builder => Add(builder, agent),
            static services =>
                services.AddScoped<Scoped>().AddTransient<Holder>().AddTransient<Deeper>().AddTransient(typeof(Generic<>)).AddKeyedTransient<Holder>("key"));

        var first = await conductor.DispatchAsync<Scoped>(Worker);
        var second = await conductor.DispatchAsync<Scoped>(Worker);

        first.Should().NotBeSameAs(second);
        (first.Disposals, second.Disposals).Should().Be((1, 1));
    }

    /// <summary>A transient service with nothing scoped in it changes nothing.</summary>
    [Fact]
    public async Task AddAgent_TransientDependencyWithoutScopedOnes_KeepsTheAgent()
    {
        await using var conductor = await StartAsync(
            static builder =>
                builder.AddAgent<NeedsDeeper>(Worker), static services => services.AddSingleton<Scoped>().AddTransient<Holder>().AddTransient<Deeper>());

        (await conductor.DispatchAsync<Scoped>(Worker)).Should().BeSameAs(await conductor.DispatchAsync<Scoped>(Worker));
    }

    [Fact]
    public async Task AddAgent_FactoryGivesNull_IsNamed()
    {
        var act = () => StartAsync(static builder => builder.AddAgent(Worker, static _ => null!));

        (await act.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain("factory").And.Contain("'worker-1'").And.Contain("null");
    }

    [Fact]
    public async Task AddPolicy_FactoryGivesNull_IsNamed()
    {
        var act = () => StartAsync(static builder => builder.AddPolicy(static _ => null!));

        (await act.Should().ThrowAsync<InvalidOperationException>()).WithMessage("*factory*AddPolicy*null*");
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task Services_OfATask_AreAScopeOfItsOwn()
    {
        await using var conductor = await StartAsync(
            builder =>
                builder.AddAgent(Worker, (string _, TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Services.GetRequiredService<Scoped>())),
            services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(Worker, "x");
        var second = await conductor.DispatchAsync<Scoped>(Worker, "x");

        first.Should().NotBeSameAs(second);
        first.Disposals.Should().Be(1);
    }

    /// <summary>Work that the agent did not await asks for services when nobody is left to end them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Services_AfterTheAttempt_AreDisposed(bool wereUsed)
    {
        TaskContext? left = null;
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, (TaskContext task, CancellationToken _) =>
            {
                left = task;
                return ValueTask.FromResult(wereUsed ? task.Services.GetRequiredService<Scoped>().Disposals : 0);
            }),
            services => services.AddScoped<Scoped>());
        await conductor.DispatchAsync<int>(Worker);

        var act = () => left!.Services;

        act.Should().Throw<ObjectDisposedException>().Which.Message.Should().Contain($"'{left!.Task.Id}'");
        act.Should().Throw<ObjectDisposedException>();
    }

    /// <summary>The same at the very moment in which the attempt ends: what was made is ended by one of the two.</summary>
    [Fact]
    public async Task Services_AsTheAttemptEnds_AreDisposed()
    {
        var (made, disposed, turn) = (0, 0, 0);
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, (TaskContext task, CancellationToken _) =>
            {
                var (isOn, go) = (new ManualResetEventSlim(), 0);
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        isOn.Set();
                        SpinWait.SpinUntil(() => Volatile.Read(ref go) == 1);
                        try
                        {
                            task.Services.GetRequiredService<Ended>();
                        }
                        catch (ObjectDisposedException)
                        {
                            // It came too late.
                        }
                    },
                    state: null);
                isOn.Wait(CancellationToken.None);
                Volatile.Write(ref go, 1);
                Thread.SpinWait(turn++ % 60);
                return ValueTask.FromResult(0);
            }),
            services => services.AddScoped(_ =>
            {
                Interlocked.Increment(ref made);
                return new Ended(() => Interlocked.Increment(ref disposed));
            }));

        for (var dispatch = 0; dispatch < 5_000; dispatch++)
        {
            await conductor.DispatchAsync<int>(Worker);
        }

        await Rig.UntilAsync(() => Volatile.Read(ref disposed) == Volatile.Read(ref made), "the end of all services");
    }

    /// <summary>What was null when it was handed over is nothing, and comes back as null where that is a value.</summary>
    [Fact]
    public async Task DispatchAsync_NothingInAndOut_IsNullWhereThatIsAValue()
    {
        var number = new AgentType("number");
        var needy = new AgentType("needy");
        await using var conductor = await StartAsync(builder => builder
            .AddAgent(Worker, static (string text, TaskContext _, CancellationToken _) => ValueTask.FromResult(text == "nothing" ? null : text))
            .AddAgent(number, static (int? value, TaskContext _, CancellationToken _) => ValueTask.FromResult(value))
            .AddAgent(needy, static (int value, TaskContext _, CancellationToken _) => ValueTask.FromResult(value)));

        (await conductor.DispatchAsync<string?>(Worker, "text")).Should().Be("text");
        (await conductor.DispatchAsync<string?>(Worker, "nothing")).Should().BeNull();
        (
            await conductor.Awaiting(it => it.DispatchAsync<string?>(Worker).AsTask()).Should()
            .ThrowAsync<TaskFailedException>("a class may be one that is never null"))
            .Which.ErrorCode.Should().Be(ErrorCodes.TaskValidationFailed);
        (await conductor.DispatchAsync<int?, int?>(number, null)).Should().BeNull();
        (await conductor.DispatchAsync<object>(Worker, "nothing")).Should().BeSameAs(TaskData.Empty, "that is what there is");
        await conductor.Awaiting(it => it.DispatchAsync<int>(needy).AsTask()).Should().ThrowAsync<TaskFailedException>();
        await conductor.Awaiting(it => it.DispatchAsync<int>(Worker, "nothing").AsTask()).Should().ThrowAsync<TaskValidationException>();
    }

    [Fact]
    public async Task AddAgent_DelegateWithoutInput_Runs()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, (TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Attempt)));

        (await conductor.DispatchAsync<int>(Worker)).Should().Be(1);
    }

    [Fact]
    public async Task AddAgent_Factory_GetsTheProvider()
    {
        await using var conductor = await StartAsync(
            builder =>
                builder.AddAgent(Worker, provider => new Greeter(provider.GetRequiredService<Uri>())), services => services.AddSingleton(new Uri("urn:x")));

        (await conductor.DispatchAsync<string, string>(Worker, "Ada")).Should().Be("Ada of urn:x");
    }

    [Fact]
    public async Task DisposeAsync_AgentsTheContainerMade_AreStoppedAndDisposed()
    {
        var disposable = new Scoped();
        var conductor = await StartAsync(builder => builder.AddAgent(Worker, _ => new Disposable(disposable)));
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
        builder.Invoking(it => it.AddAgent<Counter>(Worker, count: 0)).Should().Throw<ArgumentOutOfRangeException>();
        builder.Invoking(it => it.AddAgent<Counter>(Worker, count: 2, agentId: "a")).Should().Throw<ArgumentException>();
    }

    private sealed class Scoped : IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
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

    private sealed class NeedsAllScoped(IEnumerable<Scoped> all) : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) =>
            new(TaskData.From<IReadOnlyList<Scoped>>([.. all]));
    }

    private static ConductorBuilder Add(ConductorBuilder builder, Type agent) =>
        (ConductorBuilder)typeof(ConductorBuilder).GetMethods()
            .Single(static method => method.Name == nameof(ConductorBuilder.AddAgent) && method.GetParameters() is { Length: 4 }
            && method.GetGenericArguments().Length == 1 && method.GetParameters()[2].ParameterType == typeof(AgentLifetime)
            && method.GetParameters()[0].ParameterType == typeof(AgentType))
            .MakeGenericMethod(agent).Invoke(builder, [Worker, 1, AgentLifetime.Auto, null])!;

    private sealed record Holder(Scoped Scoped);

    private sealed record Deeper(Holder Holder);

    private sealed record Generic<T>(T Inner, Scoped Scoped);

    private abstract class Gives(Scoped scoped) : BaseAgent
    {
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(scoped));
    }

    private sealed class NeedsTransient(Holder holder) : Gives(holder.Scoped);

    private sealed class NeedsDeeper(Deeper deeper) : Gives(deeper.Holder.Scoped);

    private sealed class NeedsAllTransient(IEnumerable<Holder> all) : Gives(all.First().Scoped);

    private sealed class NeedsKeyed([FromKeyedServices("key")] Holder holder) : Gives(holder.Scoped);

    private sealed class NeedsGeneric(Generic<IServiceProvider> generic) : Gives(generic.Scoped);

    private sealed class Greeter(Uri uri) : BaseAgent<string, string>
    {
        protected override ValueTask<string> RunAsync(string input, TaskContext task, CancellationToken cancellationToken) => new($"{input} of {uri}");
    }

    private sealed class Disposable(Scoped inner) : BaseAgent, IDisposable
    {
        public void Dispose() => inner.Dispose();

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }

    private sealed class Ended(Action told) : IDisposable
    {
        public void Dispose() => told();
    }
}
