namespace Conductor.DependencyInjection;

/// <summary>
/// Stops everything when the container is disposed and nobody stopped it before. A container disposes first what was made last: this is made when
/// everything has started, so that what the agents were given lives as long as they do.
/// </summary>
/// <param name="runtime">What is stopped.</param>
internal sealed class ContainerEnd(ConductorRuntime runtime) : IAsyncDisposable
{
    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        try
        {
            await runtime.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A bus, a store or an agent may throw anything. It is logged (event 1002), and the container is to dispose of the rest.
        catch (Exception)
#pragma warning restore CA1031
        {
            // A container that is thrown at disposes of nothing more, and of nothing when it is told to again.
        }
    }
}
