namespace Conductor.Workflows;

/// <summary>
/// Runs that the store has, or is about to have, and that this engine does not run yet: who asks for one of them to be cancelled stops it here.
/// Takes nothing for each of them but its place. Thread-safe.
/// </summary>
internal sealed class LaunchingRuns
{
    private readonly Dictionary<string, WorkflowRunner> _runners = new(StringComparer.Ordinal);

    public void Add(WorkflowRunner runner)
    {
        lock (_runners)
        {
            _runners[runner.RunId] = runner;
        }
    }

    public void Remove(WorkflowRunner runner)
    {
        lock (_runners)
        {
            if (_runners.GetValueOrDefault(runner.RunId) == runner)
            {
                _runners.Remove(runner.RunId);
            }
        }
    }

    public WorkflowRunner? Find(string runId)
    {
        lock (_runners)
        {
            return _runners.GetValueOrDefault(runId);
        }
    }
}
