namespace Conductor.Benchmarks.Peers.Contenders.HangfireJobs;

/// <summary>The job, and the account of how many were done. Static because Hangfire finds jobs by type and method.</summary>
public static class NumberJob
{
    private static TaskCompletionSource _done = new();
    private static long _sum;
    private static int _missing;

    /// <summary>Expects so many jobs.</summary>
    /// <param name="jobs">How many.</param>
    /// <returns>The sum of their results, when all are done.</returns>
    public static async Task<long> ExpectAsync(int jobs)
    {
        (_missing, _sum) = (jobs, 0);
        _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _done.Task;
        return _sum;
    }

    /// <summary>Does one.</summary>
    /// <param name="number">Any number.</param>
    public static int Run(int number)
    {
        Interlocked.Add(ref _sum, number + 1);
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _done.SetResult();
        }

        return number + 1;
    }
}
