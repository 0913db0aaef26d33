using Conductor.DependencyInjection;
using Conductor.State;
using Conductor.Workflows;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Conductor.Durability;

/// <summary>A process that runs workflows until they have all ended, or until it is killed.</summary>
internal static class Worker
{
    public static async Task<int> RunAsync(WorkerOptions options)
    {
        using var log = new ExecutionLog(options.Logs);
        var services = new ServiceCollection();

        // To the error stream, which a trial shows when this process does not end as it should.
        services.AddLogging(static logging => logging
            .SetMinimumLevel(LogLevel.Warning)
            .AddSimpleConsole(static console => console.SingleLine = true)
            .Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        var builder = services.AddConductor(conductor =>
        {
            conductor.Workflows.LeaseDuration = options.Lease;
            conductor.Workflows.RecoveryInterval = options.Lease / 5;
            conductor.Workflows.PollInterval = options.Lease / 5;
            conductor.Workflows.MaxCrashes = options.MaxCrashes;
            conductor.Workflows.IgnoresLeases = !options.Fence;
            conductor.Retry.InitialDelay = TimeSpan.FromMilliseconds(1);
            conductor.Retry.MaxRetries = 5;
            conductor.CircuitBreaker.FailureThreshold = 1_000_000;
            conductor.ShutdownTimeout = TimeSpan.FromSeconds(5);
        });
        builder.UseSqlite($"Data Source={options.Database}", sqlite =>
        {
            sqlite.IgnoreFences = !options.Fence;
            sqlite.Probe = options.KillAt > 0 ? new KillSwitch(options.KillAt).Pass : null;
        });
        foreach (var type in Workload.AgentTypes)
        {
            builder.AddAgent(type, services => new LoggedAgent(log, options, services.GetRequiredService<StateManager>()), count: 4);
        }

        await using var provider = services.BuildServiceProvider();
        var conductor = await provider.StartConductorAsync();
        if (options.Poison)
        {
            await conductor.Workflows.StartWorkflowAsync(Workload.Poison, new WorkflowRunOptions { RunId = "poison" });
        }

        for (var number = 0; number < options.Workflows; number++)
        {
            await conductor.Workflows.StartWorkflowAsync(Workload.Definition, new WorkflowRunOptions { RunId = Workload.RunId(number) });
        }

        if (!options.OnlyStart)
        {
            await WaitForAllAsync(conductor, options.Lease / 5);
        }

        await conductor.DisposeAsync();
        return 0;
    }

    private static async Task WaitForAllAsync(ConductorRuntime conductor, TimeSpan interval)
    {
        while ((await conductor.State.ListUnfinishedWorkflowsAsync(new PageRequest { Size = 1 })).Items.Count > 0)
        {
            await Task.Delay(interval);
        }
    }
}
