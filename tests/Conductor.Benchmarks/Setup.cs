using Conductor.Agents;
using Conductor.Coordination;
using Conductor.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Benchmarks;

/// <summary>What the benchmarks have in common: the defaults of <c>AddConductor()</c>, as users get them.</summary>
internal static class Setup
{
    public static AgentType Worker { get; } = new("worker");

    public static ServiceProvider CreateProvider()
    {
        var services = new ServiceCollection();
        services.AddConductor();
        return services.BuildServiceProvider();
    }

    public static async Task<ConductorRuntime> StartAsync(IServiceProvider provider, int agents, Func<BaseAgent> factory)
    {
        var conductor = await provider.StartConductorAsync();
        await RegisterAsync(conductor.Coordinator, agents, factory);
        return conductor;
    }

    public static async Task RegisterAsync(AgentCoordinator coordinator, int agents, Func<BaseAgent> factory)
    {
        for (var i = 0; i < agents; i++)
        {
            await coordinator.RegisterAgentAsync(factory(), Worker);
        }
    }
}
