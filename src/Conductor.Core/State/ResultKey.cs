namespace Conductor.State;

/// <summary>
/// An execution as results are kept by it. An id that this process made is its number, which is compared and hashed for less, and of which no
/// text has to be kept alive.
/// </summary>
internal readonly struct ResultKey : IEquatable<ResultKey>
{
    private readonly string? _workflowId;
    private readonly string? _taskId;
    private readonly long _number;
    private readonly int _round;

    public ResultKey(string? workflowId, string taskId, int round)
    {
        _workflowId = workflowId;
        _number = EntityId.NumberOf(taskId);
        _taskId = _number == 0 ? taskId : null;
        _round = round;
    }

    /// <summary>The task's id.</summary>
    public string TaskId => _taskId ?? EntityId.TextOf(_number);

    public static ResultKey Of(in ExecutionKey key) => new(key.WorkflowId, key.TaskId, key.Round);

    public static ResultKey Of(TaskResult result) => new(result.WorkflowId, result.TaskId, result.Round);

    public ExecutionKey ToExecutionKey() => new(_workflowId, TaskId, _round);

    public bool Equals(ResultKey other) =>
        _number == other._number
        && _round == other._round
        && string.Equals(_taskId, other._taskId, StringComparison.Ordinal)
        && string.Equals(_workflowId, other._workflowId, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is ResultKey other && Equals(other);

    public override int GetHashCode() => _workflowId is null && _taskId is null ? _number.GetHashCode() : HashCode.Combine(_workflowId, _taskId, _number, _round);
}
