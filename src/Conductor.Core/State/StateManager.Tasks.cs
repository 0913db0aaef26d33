namespace Conductor.State;

/// <content>Task results and dead letters.</content>
public abstract partial class StateManager
{
    /// <summary>
    /// Records the result of a task, as <c>task_result:{task}</c> outside workflows and <c>task_result:{run}:{task}:{round}</c> inside. At
    /// most one result of an execution is recorded: the first.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether this result is the recorded one now.</returns>
    /// <exception cref="ArgumentException">It names a negative round, or the id of its task or its run is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">Its status, or the severity of its feedback, is none that the enumeration has.</exception>
    public ValueTask<RecordOutcome> SaveTaskResultAsync(TaskResult result, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (result.LazyTaskId.Number == 0)
        {
            // An id that has a number is not empty, and is not made text to see that.
            IdText.ThrowIfInvalid(result.TaskId, nameof(result));
        }

        if (result.WorkflowId is { } workflowId)
        {
            IdText.ThrowIfInvalid(workflowId, nameof(result));
        }

        ThrowIfOfNoRound(result, nameof(result));
        StorableRecord.Ensure(result);
        return Measure("save_task_result", result, static (store, argument, token) => store.SaveTaskResultCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>
    /// Sees whether this store can write a result down. What it cannot write fails its task, and not each step of which the result is a part. A provider that
    /// writes results as text overrides it; by default whatever there is can be kept, but for values that an enumeration does not have. Thread-safe.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <exception cref="TaskValidationException">It holds what cannot be written.</exception>
    public virtual void EnsureCanSave(TaskResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        StorableRecord.Ensure(result);
    }

    /// <summary>The recorded result of a task outside workflows.</summary>
    /// <param name="taskId">The task.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The result, or null when none is recorded.</returns>
    public ValueTask<TaskResult?> GetTaskResultAsync(string taskId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(taskId);
        return GetTaskResultAsync(new LazyId(taskId), cancellationToken);
    }

    /// <summary>The same for an id that need not be text.</summary>
    internal ValueTask<TaskResult?> GetTaskResultAsync(LazyId taskId, CancellationToken cancellationToken) =>
        Measure("get_task_result", new ExecutionKey(null, taskId, 0), static (store, argument, token) => store.GetTaskResultCoreAsync(argument, token),
            cancellationToken);

    /// <summary>The recorded result of a task of a run.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="taskId">The task.</param>
    /// <param name="round">The feedback round; 0 is the first run through.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The result, or null when none is recorded.</returns>
    public ValueTask<TaskResult?> GetTaskResultAsync(string workflowId, string taskId, int round, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        IdText.ThrowIfInvalid(taskId);
        ArgumentOutOfRangeException.ThrowIfNegative(round);
        return Measure("get_task_result", new ExecutionKey(workflowId, taskId, round),
            static (store, argument, token) => store.GetTaskResultCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Keeps a dead letter; one of the same id is replaced.</summary>
    /// <param name="record">The dead letter.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TaskValidationException">
    /// It holds a nameless agent type or phase (<c>default</c>), or a value that its enumeration does not have.
    /// </exception>
    public async ValueTask SaveDeadLetterAsync(ErrorRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        IdText.ThrowIfInvalid(record.Id, nameof(record));
        if (record.Task is { } task)
        {
            StorableRecord.Ensure(task);
        }

        await Measure("save_dead_letter", record, static (store, argument, token) => store.SaveDeadLetterCoreAsync(argument, token),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One dead letter.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The dead letter, or null when there is none of this id.</returns>
    public ValueTask<ErrorRecord?> GetDeadLetterAsync(string id, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(id);
        return Measure("get_dead_letter", id, static (store, argument, token) => store.GetDeadLetterCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>The dead letters, the oldest first.</summary>
    /// <param name="page">Which page. Default: the first, of 100.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The page's size is out of its range, or its token is not one of this list.</exception>
    public ValueTask<Page<ErrorRecord>> ListDeadLettersAsync(PageRequest? page = null, CancellationToken cancellationToken = default)
    {
        var request = page ?? PageRequest.First;
        request.Validate(nameof(page));
        return Measure("list_dead_letters", request, static (store, argument, token) => store.ListDeadLettersCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Removes a dead letter.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was one.</returns>
    public ValueTask<bool> DeleteDeadLetterAsync(string id, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(id);
        return Measure("delete_dead_letter", id, static (store, argument, token) => store.DeleteDeadLetterCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Removes all dead letters.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many there were.</returns>
    public ValueTask<int> ClearDeadLettersAsync(CancellationToken cancellationToken = default) =>
        Measure("clear_dead_letters", 0, static (store, _, token) => store.ClearDeadLettersCoreAsync(token), cancellationToken);

    private static void ThrowIfOfNoRound(TaskResult result, string argument)
    {
        if (result.Round < 0)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The result of task '{result.TaskId}' is of round {result.Round}; the first run through is round 0."), argument);
        }
    }

    /// <summary>Records the result of a task, unless one is recorded.</summary>
    /// <param name="result">The result.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken);

    /// <summary>The recorded result of an execution.</summary>
    /// <param name="key">The execution.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken);

    /// <summary>Keeps a dead letter.</summary>
    /// <param name="record">The dead letter.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when one of the same id was replaced.</returns>
    protected abstract ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken);

    /// <summary>One dead letter.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken);

    /// <summary>The dead letters, the oldest first. Throws <see cref="PageRequest.UnreadableToken"/> where it cannot read the page's token.</summary>
    /// <param name="page">Which page.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken);

    /// <summary>Removes a dead letter.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken);

    /// <summary>Removes all dead letters.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken);
}
