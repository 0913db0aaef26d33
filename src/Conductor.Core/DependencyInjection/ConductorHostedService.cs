using Microsoft.Extensions.Hosting;

namespace Conductor.DependencyInjection;

/// <summary>Starts and stops everything with the host, within the host's shutdown time.</summary>
internal sealed class ConductorHostedService(ConductorRuntime runtime) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => runtime.StartAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before any service stops: those that stop first cancel their tokens, and with them no run.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        runtime.Workflows.AnnounceStop();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => runtime.StopAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
