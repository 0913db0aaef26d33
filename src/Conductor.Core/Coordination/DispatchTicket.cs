using Conductor.Errors;

namespace Conductor.Coordination;

/// <summary>One dispatch on its way through attempts, waits and refusals. Belongs to one flow at a time; what the queues use is under their locks.</summary>
internal sealed class DispatchTicket(DispatchRequest request, long arrivedAt)
{
    private HashSet<AgentSlot>? _refusedBy;

    public DispatchRequest Request { get; } = request;

    public TaskDefinition Task => Request.Task;

    /// <summary>When the dispatch began: its place among equals, and what its deadline counts from.</summary>
    public long ArrivedAt { get; } = arrivedAt;

    /// <summary>The attempt under way; the first is 1.</summary>
    public int Attempt { get; private set; } = 1;

    /// <summary>Tasks that were admitted before this one when the policies were asked last.</summary>
    public int AdmittedBefore { get; set; }

    /// <summary>The agent of the attempt that failed last: another one is preferred.</summary>
    public AgentSlot? Avoid { get; private set; }

    /// <summary>The denial that the search for an agent ends with when no candidate is left.</summary>
    public PolicyViolationException? LastRefusal { get; private set; }

    public int RefusalCount => _refusedBy?.Count ?? 0;

    /// <summary>An accepted task is never refused for a full queue when it comes back for another attempt.</summary>
    public bool MayExceedQueue => Request.IsFlowControlled || Attempt > 1;

    public bool IsRefusedBy(AgentSlot slot) => _refusedBy is not null && _refusedBy.Contains(slot);

    public void Refuse(AgentSlot slot, PolicyViolationException refusal)
    {
        (_refusedBy ??= []).Add(slot);
        LastRefusal = refusal;
    }

    public void ForgetRefusals() => _refusedBy?.Clear();

    public void NextAttempt(AgentSlot failed)
    {
        Attempt++;
        Avoid = failed;
        ForgetRefusals();
    }

    /// <summary>What is left of the total deadline; null when there is none.</summary>
    public TimeSpan? TimeLeft(TimeProvider time) => Task.Deadline is { } deadline ? deadline - time.GetElapsedTime(ArrivedAt) : null;

    public ErrorContext ToErrorContext(AgentSlot? slot, bool otherAgentsAvailable, TimeProvider time) => new()
    {
        AgentId = slot?.Id,
        AgentType = Task.AgentType,
        Task = Task,
        WorkflowId = Request.WorkflowId,
        Round = Request.Round,
        Attempt = Attempt,
        OtherAgentsAvailable = otherAgentsAvailable,
        TimeLeft = TimeLeft(time),
        IdempotencyKey = Request.Assignment.IdempotencyKey,
        ReplayOf = Request.Assignment.ReplayOf,
    };
}
