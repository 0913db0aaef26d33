namespace Conductor.Errors;

/// <summary>Puts together what a dead letter keeps.</summary>
internal static class DeadLetterFactory
{
    public static ErrorRecord Create(TaskError error, ErrorContext context, string reason, DateTimeOffset now)
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["reason"] = reason,
            ["attempts"] = context.Attempt.ToString(),
        };
        Add("agent_id", context.AgentId);
        Add("agent_type", context.Task?.AgentType.Name ?? (context.AgentType.IsEmpty ? null : context.AgentType.Name));
        Add("task_id", context.Task?.Id);
        Add("task_name", context.Task?.Name);
        Add("workflow_id", context.WorkflowId);
        Add("round", context.WorkflowId is null ? null : context.Round.ToString());
        Add("error_type", error.Type);
        return new ErrorRecord
        {
            Id = context.LetterId ?? EntityId.New(),
            Code = error.Code,
            Message = error.Message,
            Context = details,
            Timestamp = now,
            RetryCount = Math.Max(context.Attempt - 1, 0),
            Task = context.Task,
            WorkflowId = context.WorkflowId,
            Round = context.Round,
            IdempotencyKey = context.IdempotencyKey,
            ReplayOf = context.ReplayOf,
        };

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                details[name] = value;
            }
        }
    }
}
