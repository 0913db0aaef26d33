namespace Conductor.State;

/// <summary>
/// An execution as results are kept by it. An id that this process made is its number, which is compared and hashed for less, and of which no
/// text has to be kept alive.
/// </summary>
internal readonly struct ResultKey : IEquatable<ResultKey>
{
    private readonly string? _taskId;
    private readonly int _round;

    private ResultKey(string? workflowId, LazyId taskId, int round)
    {
        WorkflowId = workflowId;
        Number = taskId.Number != 0 ? taskId.Number : EntityId.NumberOf(taskId.Text);
        _taskId = Number == 0 ? taskId.Text : null;
        _round = round;
    }

    /// <summary>The number of the task's id; 0 when it is not one that this process made.</summary>
    public long Number { get; }

    /// <summary>The run, if any.</summary>
    public string? WorkflowId { get; }

    /// <summary>The task's id.</summary>
    public LazyId TaskId => _taskId is null ? new LazyId(Number) : new LazyId(_taskId);

    public static ResultKey Of(in ExecutionKey key) => new(key.WorkflowId, key.LazyTaskId, key.Round);

    /// <summary>The execution that a result is of. Outside workflows there are no rounds: whichever a result names, it is the task's.</summary>

    public static ResultKey Of(TaskResult result) => new(result.WorkflowId, result.LazyTaskId, result.WorkflowId is null ? 0 : result.Round);

    /// <summary>The execution that a result of a run's step is of: it may leave it to the step to say which run that is.</summary>
    public static ResultKey Of(string workflowId, TaskResult result) => new(workflowId, result.LazyTaskId, result.Round);

    public ExecutionKey ToExecutionKey() => new(WorkflowId, TaskId, _round);

    public bool Equals(ResultKey other) =>
        Number == other.Number
        && _round == other._round
        && string.Equals(_taskId, other._taskId, StringComparison.Ordinal)
        && string.Equals(WorkflowId, other.WorkflowId, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is ResultKey other && Equals(other);

    public override int GetHashCode() => WorkflowId is null && _taskId is null ? Number.GetHashCode() : HashCode.Combine(WorkflowId, _taskId, Number, _round);
}
