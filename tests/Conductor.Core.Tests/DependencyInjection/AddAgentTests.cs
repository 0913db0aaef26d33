using Conductor.Agents;
using Conductor.DependencyInjection;
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
    public async Task AddAgent_SeveralOfAScopedDependency_ComeFromAScopeOfEachTaskToo()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent<NeedsAllScoped>(Worker), static services => services.AddScoped<Scoped>().AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<IReadOnlyList<Scoped>>(Worker);
        var second = await conductor.DispatchAsync<IReadOnlyList<Scoped>>(Worker);

        first.Concat(second).Should().OnlyHaveUniqueItems().And.HaveCount(4).And.OnlyContain(static scoped => scoped.Disposals == 1);
    }

    [Fact]
    [Trait("Behaviour", "5")]
    public async Task Services_OfATask_AreAScopeOfItsOwn()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, (string _, TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Services.GetRequiredService<Scoped>())),
            services => services.AddScoped<Scoped>());

        var first = await conductor.DispatchAsync<Scoped>(Worker, "x");
        var second = await conductor.DispatchAsync<Scoped>(Worker, "x");

        first.Should().NotBeSameAs(second);
        first.Disposals.Should().Be(1);
    }

    [Fact]
    public async Task AddAgent_DelegateWithoutInput_Runs()
    {
        await using var conductor = await StartAsync(builder => builder.AddAgent(Worker, (TaskContext task, CancellationToken _) => ValueTask.FromResult(task.Attempt)));

        (await conductor.DispatchAsync<int>(Worker)).Should().Be(1);
    }

    [Fact]
    public async Task AddAgent_Factory_GetsTheProvider()
    {
        await using var conductor = await StartAsync(
            builder => builder.AddAgent(Worker, provider => new Greeter(provider.GetRequiredService<Uri>())), services => services.AddSingleton(new Uri("urn:x")));

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
        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From<IReadOnlyList<Scoped>>([.. all]));
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
}
