using Microsoft.Extensions.Hosting;

namespace Conductor.DependencyInjection;

/// <summary>Starts and stops everything with the host, within the host's shutdown time.</summary>
internal sealed class ConductorHostedService(ConductorRuntime runtime) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => runtime.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => runtime.StopAsync(cancellationToken);
}
