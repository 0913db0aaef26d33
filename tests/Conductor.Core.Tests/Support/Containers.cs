using Conductor.Agents;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Tests.Support;

/// <summary>Containers with Conductor in them, and what is put into them.</summary>
internal static class Containers
{
    public static AgentType Worker { get; } = new("worker");

    public static async Task<ConductorRuntime> StartAsync(Action<ConductorBuilder> build, Action<IServiceCollection>? services = null)
    {
        var collection = new ServiceCollection();
        services?.Invoke(collection);
        build(collection.AddConductor());
        return await collection.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = true }).StartConductorAsync();
    }

    /// <summary>Gives how often it was called.</summary>
    public sealed class Counter : BaseAgent
    {
        private int _calls;

        protected override ValueTask<TaskData> RunAsync(TaskContext task, CancellationToken cancellationToken) => new(TaskData.From(++_calls));
    }
}
