namespace Conductor.Threading;

/// <summary>Waiting for a turn that may never come.</summary>
internal static class LimitedWait
{
    /// <summary>Waits for a turn, but not for longer than a limit.</summary>
    /// <returns>Whether it is had: then it is to be released.</returns>
    public static async ValueTask<bool> TryWaitAsync(this SemaphoreSlim turns, TimeSpan limit, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(limit, time);
        try
        {
            await turns.WaitAsync(patience.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return false;
        }
    }
}
