namespace Conductor;

/// <summary>Settles one task of a <see cref="WorkflowDefinitionBuilder"/>. Not thread-safe.</summary>
public sealed class TaskBuilder
{
    private readonly List<string> _dependsOn = [];
    private TaskDefinition _task;

    internal TaskBuilder(TaskDefinition task) => _task = task;

    /// <summary>The task's id, to name it in <see cref="After(string[])"/> or in feedback.</summary>
    public string Id => _task.Id;

    /// <summary>Lets it run only after these tasks are done; their outputs are in its context.</summary>
    /// <param name="tasks">Tasks of this phase or an earlier one.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public TaskBuilder After(params TaskBuilder[] tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        if (Array.Exists(tasks, static task => task is null))
        {
            throw new ArgumentException(
                $"One of the tasks that task '{Id}' comes after is null. Give what PhaseBuilder.Task returned, or the task's id.", nameof(tasks));
        }

        _dependsOn.AddRange(tasks.Select(task => task.Id));
        return this;
    }

    /// <summary>Lets it run only after these tasks are done; their outputs are in its context.</summary>
    /// <param name="taskIds">Ids of tasks of this phase or an earlier one.</param>
    public TaskBuilder After(params string[] taskIds)
    {
        ArgumentNullException.ThrowIfNull(taskIds);
        _dependsOn.AddRange(taskIds);
        return this;
    }

    /// <summary>Limits the time of one attempt.</summary>
    /// <param name="timeout">Over zero, at most 24 hours.</param>
    public TaskBuilder Timeout(TimeSpan timeout) => With(_task with { Timeout = timeout });

    /// <summary>Limits the time of all attempts together.</summary>
    /// <param name="deadline">Over zero.</param>
    public TaskBuilder Deadline(TimeSpan deadline) => With(_task with { Deadline = deadline });

    /// <summary>Sets its place among waiting tasks.</summary>
    /// <param name="priority">The priority.</param>
    public TaskBuilder Priority(TaskPriority priority) => With(_task with { Priority = priority });

    /// <summary>Makes its failure skipped instead of fatal.</summary>
    public TaskBuilder Optional() => With(_task with { Optional = true });

    /// <summary>Sets retry settings of its own.</summary>
    /// <param name="settings">What is null is taken from its agent type.</param>
    public TaskBuilder Retry(RetrySettings settings) => With(_task with { Retry = settings });

    /// <summary>Sets how often a failed attempt is tried again.</summary>
    /// <param name="maxRetries">0 to 20.</param>
    public TaskBuilder Retry(int maxRetries) => Retry((_task.Retry ?? new RetrySettings()) with { MaxRetries = maxRetries });

    /// <summary>Says what is to be done.</summary>
    /// <param name="description">For people.</param>
    public TaskBuilder Description(string description) => With(_task with { Description = description });

    /// <summary>Names it for people.</summary>
    /// <param name="name">Default: its id.</param>
    public TaskBuilder Named(string name) => With(_task with { Name = name });

    /// <summary>Sets the key that outside systems recognize it by; the feedback round is appended.</summary>
    /// <param name="key">The key, not blank.</param>
    public TaskBuilder IdempotencyKey(string key) => With(_task with { IdempotencyKey = key });

    /// <summary>Adds a note.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="value">Its text.</param>
    public TaskBuilder Metadata(string key, string value) =>
        With(_task with { Metadata = new Dictionary<string, string>(_task.Metadata, StringComparer.Ordinal) { [key] = value } });

    internal TaskDefinition Build() => _task with { DependsOn = _dependsOn };

    private TaskBuilder With(TaskDefinition task)
    {
        _task = task;
        return this;
    }
}
