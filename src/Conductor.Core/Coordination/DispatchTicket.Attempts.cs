using Conductor.Diagnostics;
using Conductor.Errors;

namespace Conductor.Coordination;

/// <content>The attempts: their begins, their failures, and what became of all.</content>
internal sealed partial class DispatchTicket
{
    /// <summary>An attempt begins.</summary>
    public void Begin(long now, TimeProvider time, ConductorInstruments instruments)
    {
        _stage = Stage.Begun;
        HasTurn = false;
        if (Attempt > 1)
        {
            _setbacks!.LastBegunAt = now;
            return;
        }

        FirstBegunAt = now;
        if (instruments.DispatchWaitTime.Enabled)
        {
            instruments.DispatchWaitTime.Record(
                time.GetElapsedTime(ArrivedAt, now).TotalSeconds, new KeyValuePair<string, object?>(ConductorTelemetry.Tags.AgentType, Task.AgentType.Name));
        }
    }

    /// <summary>The result of the last attempt, as that of all: a result's times span all attempts.</summary>
    public TaskResult Complete(TaskResult result, TimeProvider time)
    {
        if (Attempt == 1)
        {
            return result;
        }

        var duration = time.GetElapsedTime(FirstBegunAt);
        return result with { StartedAt = result.CompletedAt - duration, Duration = duration, Attempts = AttemptsBegun };
    }

    /// <summary>The result of a task that ran before and found no agent for another attempt.</summary>
    public TaskResult NotRun(TaskError error, TimeProvider time) => new()
    {
        TaskId = Task.Id,
        WorkflowId = WorkflowId,
        Round = Round,
        AgentId = Avoid?.Id,
        Status = AgentTaskStatus.Failed,
        Error = error,
        CompletedAt = time.GetUtcNow(),
    };

    /// <summary>An attempt failed, and another follows.</summary>
    /// <param name="failed">The agent of the one that failed; null where it never got the task.</param>
    /// <param name="error">What it failed with.</param>
    /// <param name="delay">What lay between the two: as long again, another agent is waited for.</param>
    /// <param name="time">The clock.</param>
    public void NextAttempt(AgentSlot? failed, TaskError? error, TimeSpan delay, TimeProvider time)
    {
        Attempt++;
        _stage = Stage.Waited;
        var setbacks = _setbacks ??= new Setbacks();
        var now = time.GetTimestamp();
        setbacks.WaitsSince = now - ((setbacks.LastBegunAt ?? FirstBegunAt) - WaitsSince);
        if (failed is not null)
        {
            (setbacks.Earlier ??= []).Add(failed.Id);
            setbacks.Avoid = failed;
        }

        setbacks.LastError = error;
        (setbacks.AvoidFor, setbacks.AvoidSince) = (delay, now);
        ForgetRefusals();
    }

    /// <summary>Notes the agent of an attempt that failed, or is not waited for any longer.</summary>
    public void NoteLastAgent(AgentSlot slot) => (_setbacks ??= new Setbacks()).Left = slot;

    /// <summary>What is left of the total deadline; null when there is none.</summary>
    public TimeSpan? TimeLeft(TimeProvider time) => Task.Deadline is { } deadline ? deadline - time.GetElapsedTime(ArrivedAt) : null;

    /// <summary>Where an attempt failed, or none could begin.</summary>
    /// <param name="slot">Its agent; null when none could begin.</param>
    /// <param name="otherAgentsAvailable">Whether another agent could take the task.</param>
    /// <param name="time">The clock.</param>
    /// <param name="isFailureOfAgent">Whether the agent's breaker counts it.</param>
    public ErrorContext ToErrorContext(AgentSlot? slot, bool otherAgentsAvailable, TimeProvider time, bool isFailureOfAgent = true) => new()
    {
        AgentId = slot?.Id,
        AgentType = Task.AgentType,
        Task = Task,
        WorkflowId = WorkflowId,
        Round = Round,
        Attempt = Math.Max(AttemptsBegun, 1),
        OtherAgentsAvailable = otherAgentsAvailable,
        TimeLeft = TimeLeft(time),
        IdempotencyKey = Assignment.IdempotencyKey,
        ReplayOf = Assignment.ReplayOf,

        // One outside runs that is dispatched again, because it was refused or its result not saved, has the same letter.
        LetterId = IsStandalone ? $"task:{Task.Id}" : Owner?.LetterIdOf(Assignment),
        IsFailureOfAgent = isFailureOfAgent,
    };
}
