namespace Conductor.Benchmarks.Peers.Contenders;

/// <summary>Can run phases of tasks, each phase after the one before it.</summary>
internal interface IWorkflowContender
{
    Task PrepareWorkflowAsync(int phases, int tasksPerPhase);

    /// <summary>Runs it once.</summary>
    /// <returns>How many tasks gave the right result.</returns>
    ValueTask<int> RunWorkflowAsync();
}
