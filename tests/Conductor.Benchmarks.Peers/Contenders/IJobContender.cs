namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>Can do jobs that survive the process.</summary>
internal interface IJobContender
{
    /// <summary>Hands in jobs from as many callers at once, and returns when all are done with the right result.</summary>
    Task RunJobsAsync(int jobs, int callers);
}
