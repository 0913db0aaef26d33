namespace Conductor.Agents;

/// <summary>Disposes an agent that the library made.</summary>
internal static class AgentDisposal
{
    public static async ValueTask DisposeAsync(BaseAgent agent)
    {
        try
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
        }
        finally
        {
            if (agent.Scope is { } scope)
            {
                await scope.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
