namespace Conductor.DependencyInjection;

/// <summary>
/// Stops everything when the container is disposed and nobody stopped it before. A container disposes first what was made last: this is made when
/// everything has started, so that what the agents were given lives as long as they do.
/// </summary>
/// <param name="runtime">What is stopped.</param>
internal sealed class ContainerEnd(ConductorRuntime runtime) : IAsyncDisposable
{
    /// <inheritdoc />
    public ValueTask DisposeAsync() => runtime.DisposeAsync();
}
