namespace Conductor.Agents;

/// <summary>Disposes an agent that the library made.</summary>
internal static class AgentDisposal
{
    public static async ValueTask DisposeAsync(BaseAgent agent)
    {
        switch (agent)
        {
            case IAsyncDisposable disposable:
                await disposable.DisposeAsync().ConfigureAwait(false);
                break;
            case IDisposable disposable:
                disposable.Dispose();
                break;
        }

        if (agent.Scope is { } scope)
        {
            await scope.DisposeAsync().ConfigureAwait(false);
        }
    }
}
