using Conductor.Errors;

namespace Conductor.Coordination;

/// <summary>What a task must be before anything is done with it.</summary>
internal static class TaskValidation
{
    /// <summary>Fits whatever a task sets, so that only what can never be right is wrong.</summary>
    private static readonly RetryPolicy _anyPolicy = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.MaxValue };

    /// <summary>Refuses a task that cannot be run.</summary>
    /// <param name="task">The task.</param>
    /// <param name="errors">The error handler that its own settings are merged into those of.</param>
    public static void ThrowIfInvalid(TaskDefinition task, ErrorHandler errors)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (task.AgentType.IsEmpty)
        {
            throw new NoAgentTypeException($"Task '{task.Id}' names no agent type. Set TaskDefinition.AgentType.");
        }

        if (Problems(task, errors) is { Count: > 0 } problems)
        {
            throw new TaskValidationException($"Task '{task.Id}' is not valid: {string.Join(' ', problems)}");
        }
    }

    /// <summary>What is wrong with a task, a sentence each. (Asked for every dispatch: a task without problems must cost no memory.)</summary>
    /// <param name="task">The task.</param>
    /// <param name="errors">The error handler that its own settings are merged into those of; null where none is known yet.</param>
    public static IReadOnlyList<string> Problems(TaskDefinition task, ErrorHandler? errors)
    {
        List<string>? problems = null;
        if (task.LazyId.IsBlank)
        {
            (problems ??= []).Add("Id is empty; leave it out for a fresh one.");
        }
        else if (task.LazyId.Problem is { } problem)
        {
            (problems ??= []).Add($"Id {problem}");
        }

        if (task.IdempotencyKey is { } key && string.IsNullOrWhiteSpace(key))
        {
            // The effects of all tasks that say so would be one.
            (problems ??= []).Add("IdempotencyKey is empty; leave it out for the task's own.");
        }
        else if (!IdText.IsWellFormed(task.IdempotencyKey))
        {
            (problems ??= []).Add($"IdempotencyKey {IdText.ProblemOf(task.IdempotencyKey)}");
        }

        if (task.Input is null)
        {
            (problems ??= []).Add("Input is null; leave it out, or set it to TaskData.Empty.");
        }

        for (var i = 0; i < task.DependsOn.Count; i++)
        {
            if (string.IsNullOrEmpty(task.DependsOn[i]))
            {
                (problems ??= []).Add("DependsOn holds an empty id; name a task, or leave it out.");
                break;
            }
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
            (problems ??= []).AddRange(SettingProblems.OfEnum(nameof(TaskDefinition.Priority), task.Priority));
        }

        if (task.Retry is not null)
        {
            (problems ??= []).AddRange(RetryProblems(task, errors));
        }

        if (task.CircuitBreaker is not null)
        {
            (problems ??= []).AddRange(new CircuitBreakerOptions().With(task.CircuitBreaker).Problems("CircuitBreaker"));
        }

        return problems ?? (IReadOnlyList<string>)[];
    }

    /// <summary>What is wrong with a task's own retry settings once they are merged into what they will be merged into.</summary>
    public static IEnumerable<string> RetryProblems(TaskDefinition task, ErrorHandler? errors) =>
        (errors?.RetryPolicyOf(task.AgentType) ?? _anyPolicy).With(task.Retry).Problems(nameof(TaskDefinition.Retry));
}
