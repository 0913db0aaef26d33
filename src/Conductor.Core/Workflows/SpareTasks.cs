namespace Conductor.Workflows;

/// <summary>
/// What carried tasks that are over, to carry the next ones. Not thread-safe: it belongs to one run's loop, and a run that is over leaves it to
/// another.
/// </summary>
internal sealed class SpareTasks
{
    private const int MostToKeep = 256;
    private RunningTask? _first;
    private int _count;

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
