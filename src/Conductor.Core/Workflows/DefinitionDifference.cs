namespace Conductor.Workflows;

/// <summary>Says in words what is different between two definitions: what counts for <see cref="DefinitionHash"/>, and nothing else.</summary>
internal static class DefinitionDifference
{
    private const int MaxLines = 20;

    public static IReadOnlyList<string> Between(WorkflowDefinition before, WorkflowDefinition after)
    {
        List<string> lines = [];
        Compare("name", before.Name, after.Name);
        Compare("version", before.Version, after.Version);
        Compare("phases", string.Join(", ", before.Phases), string.Join(", ", after.Phases));
        Compare("feedback", Text(before.Feedback), Text(after.Feedback));
        Compare("timeout", before.Timeout?.ToString(), after.Timeout?.ToString());
        var old = before.Tasks.ToDictionary(static task => task.Id, StringComparer.Ordinal);
        var kept = after.Tasks.Select(static task => task.Id).ToHashSet(StringComparer.Ordinal);
        lines.AddRange(before.Tasks.Where(task => !kept.Contains(task.Id)).Select(static task => $"task '{task.Id}' is gone"));
        foreach (var task in after.Tasks)
        {
            if (old.TryGetValue(task.Id, out var known))
            {
                CompareTasks(known, task);
            }
            else
            {
                lines.Add($"task '{task.Id}' is new");
            }
        }

        var order = before.Tasks.Select(static task => task.Id).Where(kept.Contains);
        if (lines.Count == 0 && !order.SequenceEqual(after.Tasks.Select(static task => task.Id), StringComparer.Ordinal))
        {
            lines.Add("the tasks are in another order");
        }

        return lines.Count <= MaxLines ? lines : [.. lines.Take(MaxLines), $"and {lines.Count - MaxLines} more"];

        void Compare(string what, string? one, string? other)
        {
            if (!string.Equals(one, other, StringComparison.Ordinal))
            {
                lines.Add($"{what}: {one ?? "none"} → {other ?? "none"}");
            }
        }

        void CompareTasks(TaskDefinition one, TaskDefinition other)
        {
            var name = $"task '{one.Id}'";
            Compare($"{name} agent type", one.AgentType.Name, other.AgentType.Name);
            Compare($"{name} phase", one.Phase?.Name, other.Phase?.Name);
            Compare($"{name} priority", one.Priority.ToString(), other.Priority.ToString());
            Compare($"{name} timeout", one.Timeout.ToString(), other.Timeout.ToString());
            Compare($"{name} deadline", one.Deadline?.ToString(), other.Deadline?.ToString());
            Compare($"{name} optional", one.Optional.ToString(), other.Optional.ToString());
            Compare($"{name} idempotency key", one.IdempotencyKey, other.IdempotencyKey);
            Compare($"{name} depends on", string.Join(", ", one.DependsOn), string.Join(", ", other.DependsOn));
        }
    }

    private static string? Text(FeedbackRule? rule) => rule is null
        ? null
        : $"{rule.From} to {rule.To}, rounds {rule.MaxRounds?.ToString() ?? "default"}, severity {rule.MinSeverity?.ToString() ?? "default"}, at " +
            $"the limit {rule.AtLimit?.ToString() ?? "default"}";
}
