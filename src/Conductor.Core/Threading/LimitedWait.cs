namespace Conductor.Threading;

/// <summary>Waiting for a turn that may never come.</summary>
internal static class LimitedWait
{
    /// <summary>How long a disposal waits for a connect or a disconnect under way: the provider's may hang, and the process is to end all the same.</summary>
    public static readonly TimeSpan DisposalPatience = TimeSpan.FromSeconds(5);

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
