namespace Conductor.Threading;

/// <summary>What nobody waits for any more is still heard to its end: a failure is somebody's to log, and never one that nobody observed.</summary>
internal static class LateFailure
{
    /// <summary>
    /// How long a bus may take to answer when it is to tell of what is decided, and kept, by now, or to be listened to for that: as long as the grace period
    /// is by default.
    /// </summary>
    public static readonly TimeSpan NoticePatience = TimeSpan.FromSeconds(5);

    /// <summary>A timer that comes so much later than it was set for comes after a pause of the process.</summary>
    private const double LateFactor = 1.5;

    /// <summary>Has somebody told should it fail, on the thread pool. What was cancelled has not failed.</summary>
    /// <param name="task">What is no longer waited for; it may be over.</param>
    /// <param name="failed">Is told why it failed.</param>
    public static void HearFailure(this Task task, Action<Exception> failed) => _ = task.ContinueWith(
        static (ended, failed) => ((Action<Exception>)failed!)(ended.Exception!.InnerException!),
        failed,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    /// <summary>
    /// Waits up to a limit, and hears what is given up to its end. A process that was paused meanwhile, as its clock shows, has not given what is waited for
    /// that time: it waits once more.
    /// </summary>
    /// <param name="task">What is waited for.</param>
    /// <param name="patience">The limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="failedLate">Is told why it failed when nobody waited any more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">It was not over within the limit.</exception>
    public static async Task WaitHeardAsync(
        this Task task, TimeSpan patience, TimeProvider time, Action<Exception> failedLate, CancellationToken cancellationToken)
    {
        var beganAt = time.GetTimestamp();
        try
        {
            try
            {
                await task.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException) when (!task.IsCompleted && time.GetElapsedTime(beganAt) > patience * LateFactor)
            {
                await task.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (task.Exception?.InnerException != exception)
        {
            task.HearFailure(failedLate);
            throw;
        }
    }

    /// <summary>Waits up to a limit, and hears what is given up to its end.</summary>
    /// <param name="operation">What is waited for; nearly always it is over.</param>
    /// <param name="patience">The limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="failedLate">Is told why it failed when nobody waited any more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TimeoutException">It was not over within the limit.</exception>
    public static ValueTask WaitHeardAsync(
        this ValueTask operation, TimeSpan patience, TimeProvider time, Action<Exception> failedLate, CancellationToken cancellationToken) =>
        operation.IsCompletedSuccessfully
            ? operation
            : new ValueTask(operation.AsTask().WaitHeardAsync(patience, time, failedLate, cancellationToken));

    /// <summary>Waits up to a limit, and hears what is given up to its end.</summary>
    /// <param name="task">What is waited for.</param>
    /// <param name="patience">The limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="failedLate">Is told why it failed when nobody waited any more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What it gives.</returns>
    /// <exception cref="TimeoutException">It was not over within the limit.</exception>
    public static async Task<T> WaitHeardAsync<T>(
        this Task<T> task, TimeSpan patience, TimeProvider time, Action<Exception> failedLate, CancellationToken cancellationToken)
    {
        await ((Task)task).WaitHeardAsync(patience, time, failedLate, cancellationToken).ConfigureAwait(false);
        return await task.ConfigureAwait(false);
    }
}
