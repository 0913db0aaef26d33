namespace Conductor.Workflows;

/// <summary>
/// What carried tasks that are over, to carry the next ones, and what cancels them. Not thread-safe: it belongs to one run's loop, and a run that
/// is over leaves it to another.
/// </summary>
internal sealed class SpareTasks
{
    private const int MostToKeep = 256;
    private RunningTask? _first;
    private int _count;

    /// <summary>Cancels the tasks of the run. Its registrations are used again, too: a run makes one for each task under way.</summary>
    public CancellationTokenSource Cancellation { get; private set; } = new();

    public RunningTask Take()
    {
        if (_first is not { } task)
        {
            return new RunningTask();
        }

        _first = task.Next;
        _count--;
        return task;
    }

    /// <summary>The run is over.</summary>
    /// <param name="wasStopped">Whether its tasks were cancelled, or are about to be.</param>
    public void Leave(bool wasStopped)
    {
        if (wasStopped || !Cancellation.TryReset())
        {
            // Not disposed: it holds nothing, and somebody may be about to cancel it.
            Cancellation = new CancellationTokenSource();
        }
    }

    public void Add(RunningTask task)
    {
        task.Clear();
        if (_count < MostToKeep)
        {
            task.Next = _first;
            _first = task;
            _count++;
        }
    }
}
