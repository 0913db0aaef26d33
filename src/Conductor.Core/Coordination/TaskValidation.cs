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

        if (Problems(task).ToList() is { Count: > 0 } problems)
        {
            throw new TaskValidationException($"Task '{task.Id}' is not valid: {string.Join(' ', problems)}");
        }
    }

    public static IEnumerable<string> Problems(TaskDefinition task)
    {
        if (string.IsNullOrWhiteSpace(task.Id))
        {
            yield return "Id is empty; leave it out for a fresh one.";
        }

        if (task.Timeout <= TimeSpan.Zero || task.Timeout > TaskDefinition.MaxTimeout)
        {
            yield return $"Timeout is {task.Timeout}; set it over zero and to at most {TaskDefinition.MaxTimeout}.";
        }

        if (task.Deadline <= TimeSpan.Zero)
        {
            yield return $"Deadline is {task.Deadline}; set it over zero, or leave it out for no limit.";
        }

        if (task.Phase is { IsEmpty: true })
        {
            yield return "Phase is nameless; name it, or leave it out.";
        }

        if (!Enum.IsDefined(task.Priority))
        {
            yield return $"Priority is {task.Priority}; use one of {string.Join(", ", Enum.GetNames<TaskPriority>())}.";
        }

        foreach (var problem in Errors.RetryPolicy.Default.With(task.Retry).Problems("Retry"))
        {
            yield return problem;
        }

        foreach (var problem in new Errors.CircuitBreakerOptions().With(task.CircuitBreaker).Problems("CircuitBreaker"))
        {
            yield return problem;
        }
    }
}
