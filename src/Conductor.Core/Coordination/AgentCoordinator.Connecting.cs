using Conductor.Threading;

namespace Conductor.Coordination;

/// <content>Connecting bus and store.</content>
public sealed partial class AgentCoordinator
{
    /// <summary>
    /// Connects what is not connected. A bus or a store that does not heed that nobody waits any more is left to itself after the grace period.
    /// </summary>
    private async ValueTask ConnectAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Asked);
        var limit = new GraceLimit(_options.CancellationGracePeriod, _time, exception => Log.CallbackFailed(_logger, exception), either.Token);
        await using var watched = limit.ConfigureAwait(false);
        try
        {
            await UpToAsync(_bus.ConnectAsync(either.Token), limit.Token).ConfigureAwait(false);
            await UpToAsync(_state.ConnectAsync(either.Token), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // By which of the two.
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfClosing();
            throw;
        }
    }

    private Task UpToAsync(ValueTask connecting, CancellationToken limit) =>
        connecting.AsTask().WaitHeardAsync(exception => Log.LateConnectFailed(_logger, exception, Id), limit);
}
