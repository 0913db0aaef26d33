using Conductor.Agents;
using Conductor.DependencyInjection;
using Conductor.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.DependencyInjection;

public sealed class FailingConstructorTests
{
    /// <summary>A dependency that can only be disposed of asynchronously must not hide why.</summary>
    [Fact]
    public async Task StartConductorAsync_AgentsConstructorThrows_DisposesOfWhatWasMadeForIt()
    {
        var services = new ServiceCollection().AddScoped<Dependency>().AddSingleton<Count>();
        services.AddConductor().AddAgent<Failing>(AgentType.Coding, lifetime: AgentLifetime.PerAgent);
        await using var provider = services.BuildServiceProvider();

        await FluentActions.Awaiting(() => provider.StartConductorAsync()).Should().ThrowAsync<InvalidOperationException>().WithMessage("*no model*");

        var count = provider.GetRequiredService<Count>();
        await Rig.UntilAsync(() => Volatile.Read(ref count.Disposed) == 1, "the disposal");
    }

    private sealed class Count
    {
        public int Disposed;
    }

    private sealed class Dependency(Count count) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Interlocked.Increment(ref count.Disposed);
            return default;
        }
    }

    private sealed class Failing : BaseAgent
    {
        public Failing(Dependency dependency) => throw new InvalidOperationException($"no model ({dependency.GetType().Name})");

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.Empty);
    }
}
