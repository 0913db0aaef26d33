namespace Conductor.Workflows;

/// <summary>Where each task of a run stands. Not thread-safe: it belongs to one run's loop.</summary>
internal sealed class RunBoard(WorkflowPlan plan)
{
    private readonly AgentTaskStatus[] _status = new AgentTaskStatus[plan.TaskCount];

    /// <summary>
    /// The results that are asked for later: those that other tasks wait for, those with feedback, and failures. The others need not stay alive
    /// until their run is over. Null as long as there are none.
    /// </summary>
    private TaskResult?[]? _results;

    /// <summary>How many tasks each of a phase still waits for; null as long as none does.</summary>
    private int[]? _openDependencies;

    public int FinishedCount { get; private set; }

    public int InFlightCount { get; private set; }

    public AgentTaskStatus Status(int index) => _status[index];

    /// <summary>The result of a task that is over, if it has feedback or failed, or another waits for it.</summary>
    public TaskResult? Result(int index) => _results?[index];

    /// <summary>Takes the results that a run had when it was left off; those of tasks that its definition no longer has are left out.</summary>
    public void Restore(IReadOnlyDictionary<string, TaskResult> results)
    {
        foreach (var (taskId, result) in results)
        {
            if (plan.TryIndex(taskId, out var index))
            {
                _status[index] = result.Status;
                Keep(index, result);
                FinishedCount++;
            }
        }
    }

    /// <summary>Counts what a task of a phase that begins still waits for.</summary>
    /// <returns>Whether it is to be run and waits for nothing.</returns>
    public bool Enter(int index)
    {
        if (_status[index] != AgentTaskStatus.Pending)
        {
            return false;
        }

        var open = 0;
        foreach (var dependency in plan.Dependencies[index])
        {
            open += IsFinished(dependency) ? 0 : 1;
        }

        if (open == 0)
        {
            return true;
        }

        (_openDependencies ??= new int[plan.TaskCount])[index] = open;
        return false;
    }

    public void Start(int index)
    {
        _status[index] = AgentTaskStatus.InProgress;
        InFlightCount++;
    }

    /// <summary>Takes a task's result, and gives the tasks of its phase that wait for nothing any more.</summary>
    public IReadOnlyList<int> Finish(int index, TaskResult result)
    {
        InFlightCount -= _status[index] == AgentTaskStatus.InProgress ? 1 : 0;
        _status[index] = result.Status;
        Keep(index, result);
        FinishedCount++;
        List<int>? freed = null;
        foreach (var dependent in plan.Dependents[index])
        {
            if (plan.PhaseOf[dependent] == plan.PhaseOf[index] && _status[dependent] == AgentTaskStatus.Pending && _openDependencies is not null
                && --_openDependencies[dependent] == 0)
            {
                (freed ??= []).Add(dependent);
            }
        }

        return freed ?? (IReadOnlyList<int>)[];
    }

    /// <summary>A task that was started is not finished after all: another owner will run it.</summary>
    public void Abandon(int index)
    {
        _status[index] = AgentTaskStatus.Pending;
        InFlightCount--;
    }

    public bool IsCancelled(int index) => _status[index] == AgentTaskStatus.Cancelled;

    /// <summary>The task that keeps this one from ever running, if there is one.</summary>
    public int? Blocker(int index)
    {
        foreach (var dependency in plan.Dependencies[index])
        {
            if (_status[dependency] is AgentTaskStatus.Failed or AgentTaskStatus.Blocked or AgentTaskStatus.Cancelled)
            {
                return dependency;
            }
        }

        return null;
    }

    public IReadOnlyDictionary<string, TaskData> OutputsFor(int index)
    {
        if (plan.Dependencies[index].Length == 0)
        {
            return Snapshot.NoMap<TaskData>();
        }

        var outputs = new Dictionary<string, TaskData>(StringComparer.Ordinal);
        foreach (var dependency in plan.Dependencies[index])
        {
            if (Result(dependency) is { IsSuccess: true } result)
            {
                outputs[result.TaskId] = result.Output;
            }
        }

        return Snapshot.Owning(outputs);
    }

    /// <summary>Whether all tasks of a phase have a result.</summary>
    public bool IsOver(int phase) => Array.TrueForAll(plan.TasksOf[phase], IsFinished);

    public (int Completed, int Failed, int Skipped) Count(int phase)
    {
        var (completed, failed, skipped) = (0, 0, 0);
        foreach (var index in plan.TasksOf[phase])
        {
            completed += _status[index] == AgentTaskStatus.Completed ? 1 : 0;
            failed += _status[index] is AgentTaskStatus.Failed or AgentTaskStatus.Blocked ? 1 : 0;
            skipped += _status[index] == AgentTaskStatus.Skipped ? 1 : 0;
        }

        return (completed, failed, skipped);
    }

    /// <summary>The first task of a phase, in the order of the definition, that ran and failed.</summary>
    public TaskResult? FirstFailure(int phase)
    {
        foreach (var index in plan.TasksOf[phase])
        {
            if (_status[index] == AgentTaskStatus.Failed)
            {
                return Result(index);
            }
        }

        return null;
    }

    /// <summary>Opens tasks to run again in a new round.</summary>
    public void Reopen(IEnumerable<int> tasks)
    {
        foreach (var index in tasks)
        {
            FinishedCount -= IsFinished(index) ? 1 : 0;
            _status[index] = AgentTaskStatus.Pending;
            _results?[index] = null;
        }
    }

    private void Keep(int index, TaskResult result)
    {
        if (result.Feedback is not null || result.Status == AgentTaskStatus.Failed || plan.Dependents[index].Length > 0)
        {
            (_results ??= new TaskResult?[plan.TaskCount])[index] = result;
        }
    }

    private bool IsFinished(int index) => _status[index] is not (AgentTaskStatus.Pending or AgentTaskStatus.InProgress);
}
