using Conductor.Benchmarks.Agents;

namespace Conductor.Benchmarks;

/// <summary>Measures what one registered agent holds on to while it has nothing to do.</summary>
internal static class IdleAgentMemory
{
    private const int WarmUp = 100;

    public static async Task MeasureAsync()
    {
        await using var provider = Setup.CreateProvider();
        await using var conductor = await Setup.StartAsync(provider, WarmUp, static () => new EchoAgent());
        foreach (var agents in new[] { 1_000, 10_000, 100_000 })
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            await Setup.RegisterAsync(conductor.Coordinator, agents, static () => new EchoAgent());
            var after = GC.GetTotalMemory(forceFullCollection: true);
            Console.WriteLine($"{agents,7} more agents: {(after - before) / (double)agents:0} bytes per idle agent");
        }
    }
}
