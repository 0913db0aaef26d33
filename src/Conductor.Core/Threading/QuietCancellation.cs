namespace Conductor.Threading;

/// <summary>Cancels tokens that users' code has seen: what it registered on them may throw.</summary>
internal static class QuietCancellation
{
    /// <summary>Cancels. Never throws; what was registered runs on another thread.</summary>
    /// <param name="source">The token's source. One that is disposed meanwhile was over.</param>
    /// <param name="failed">Is told what somebody registered on the token and throws.</param>
    public static async Task CancelQuietlyAsync(this CancellationTokenSource source, Action<Exception> failed)
    {
        try
        {
            await source.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // Over at this moment.
        }
#pragma warning disable CA1031 // Users' callbacks may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failed(exception);
        }
    }
}
