namespace Conductor.Coordination;

/// <summary>What a task must be before anything is done with it.</summary>
internal static class TaskValidation
{
    public static void ThrowIfInvalid(TaskDefinition task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (task.AgentType.IsEmpty)
        {
            throw new NoAgentTypeException($"Task '{task.Id}' names no agent type. Set TaskDefinition.AgentType.");
        }

        if (Problems(task) is { Count: > 0 } problems)
        {
            throw new TaskValidationException($"Task '{task.Id}' is not valid: {string.Join(' ', problems)}");
        }
    }

    /// <summary>What is wrong with a task, a sentence each. (Asked for every dispatch: a task without problems must cost no memory.)</summary>
    public static IReadOnlyList<string> Problems(TaskDefinition task)
    {
        List<string>? problems = null;
        if (task.LazyId.IsBlank)
        {
            (problems ??= []).Add("Id is empty; leave it out for a fresh one.");
        }

        if (task.Timeout <= TimeSpan.Zero || task.Timeout > TaskDefinition.MaxTimeout)
        {
            (problems ??= []).Add($"Timeout is {task.Timeout}; set it over zero and to at most {TaskDefinition.MaxTimeout}.");
        }

        if (task.Deadline <= TimeSpan.Zero)
        {
            (problems ??= []).Add($"Deadline is {task.Deadline}; set it over zero, or leave it out for no limit.");
        }

        if (task.Phase is { IsEmpty: true })
        {
            (problems ??= []).Add("Phase is nameless; name it, or leave it out.");
        }

        if (task.Priority is < TaskPriority.Low or > TaskPriority.Critical)
        {
            (problems ??= []).Add($"Priority is {task.Priority}; use one of {string.Join(", ", Enum.GetNames<TaskPriority>())}.");
        }

        if (task.Retry is not null)
        {
            (problems ??= []).AddRange(Errors.RetryPolicy.Default.With(task.Retry).Problems("Retry"));
        }

        if (task.CircuitBreaker is not null)
        {
            (problems ??= []).AddRange(new Errors.CircuitBreakerOptions().With(task.CircuitBreaker).Problems("CircuitBreaker"));
        }

        return problems ?? (IReadOnlyList<string>)[];
    }
}
