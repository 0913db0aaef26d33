using Conductor.Diagnostics;

namespace Conductor.Coordination;

/// <summary>When the first attempt of a dispatch began: a result's times span all its attempts.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct DispatchTiming(DateTimeOffset StartedAt, long Timestamp)
{
    /// <summary>The present, on both clocks.</summary>
    public static DispatchTiming Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());

    /// <summary>An attempt begins.</summary>
    public DispatchTiming Begin(DispatchTiming now, TimeProvider time, DispatchTicket ticket, ConductorInstruments instruments)
    {
        if (ticket.Attempt > 1)
        {
            return this;
        }

        if (instruments.DispatchWaitTime.Enabled)
        {
            instruments.DispatchWaitTime.Record(
                time.GetElapsedTime(ticket.ArrivedAt, now.Timestamp).TotalSeconds,
                new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, ticket.Task.AgentType.Name));
        }

        return now;
    }

    public TaskResult Complete(TaskResult result, DispatchTicket ticket, TimeProvider time) => ticket.Attempt == 1
        ? result
        : result with { StartedAt = StartedAt, Duration = time.GetElapsedTime(Timestamp), Attempts = ticket.Attempt };

    /// <summary>The result of a task that ran before and found no agent for another attempt.</summary>
    public TaskResult NotRun(DispatchTicket ticket, TaskError error, TimeProvider time) => new()
    {
        TaskId = ticket.Task.Id,
        WorkflowId = ticket.WorkflowId,
        Round = ticket.Round,
        AgentId = ticket.Avoid?.Id,
        Status = AgentTaskStatus.Failed,
        Error = error,
        StartedAt = StartedAt,
        CompletedAt = time.GetUtcNow(),
    };
}
