namespace Conductor;

/// <summary>
/// Names one execution: run, task and feedback round. It keys results, effects and the idempotency key, so that a feedback round really
/// runs again and two runs of one definition never meet. Immutable.
/// </summary>
/// <param name="WorkflowId">The run, or null for a task outside workflows.</param>
/// <param name="TaskId">The task.</param>
/// <param name="Round">The feedback round; 0 is the first run through.</param>
public readonly record struct ExecutionKey(string? WorkflowId, string TaskId, int Round)
{
    private readonly LazyId _taskId = new(TaskId);

    /// <summary>Names an execution of a task whose id need not be text. (There is none, then, for the other constructor.)</summary>
    internal ExecutionKey(string? workflowId, LazyId taskId, int round)
        : this(workflowId, TaskId: null!, round) => _taskId = taskId;

    /// <summary>The task.</summary>
    public string TaskId
    {
        get => _taskId.Text!;
        init => _taskId = new LazyId(value);
    }

    /// <summary>The task's id, for whoever does not need it as text.</summary>
    internal LazyId LazyTaskId => _taskId;

    /// <summary>The key of the result in a store: <c>task_result:{task}</c>, or <c>task_result:{run}:{task}:{round}</c> inside a run.</summary>
    public string StoreKey => WorkflowId is null ? $"task_result:{TaskId}" : $"task_result:{WorkflowId}:{TaskId}:{Round}";

    /// <summary>
    /// The idempotency key of a task: the user's own with the round appended, or this key as text. It stays the same over retries,
    /// redelivery and resume. (As text, the task <c>c</c> of the run <c>a:b</c> and the task <c>b:c</c> of the run <c>a</c> have one key, which
    /// matters to systems outside: where ids have colons, let those of runs or those of tasks have none.)
    /// </summary>
    /// <param name="given">The user's own key, or null.</param>
    public string ToIdempotencyKey(string? given) =>
        given is not null ? $"{given}:{Round}" : WorkflowId is null ? $"{TaskId}:{Round}" : $"{WorkflowId}:{TaskId}:{Round}";

    /// <summary>The idempotency key without a user's own.</summary>
    public override string ToString() => ToIdempotencyKey(null);
}
