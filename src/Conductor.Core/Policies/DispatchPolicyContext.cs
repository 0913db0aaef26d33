namespace Conductor.Policies;

/// <summary>A task about to be given to an agent. Counts are those before it. Immutable.</summary>
public sealed record DispatchPolicyContext : PolicyContext
{
    /// <summary>A byte, so that there is room for the mark: a context is made for each dispatch.</summary>
    private readonly byte _candidateStatus;

    /// <summary>The task.</summary>
    public required TaskDefinition Task { get; init; }

    /// <summary>The agent it would be given to; null when only the task is judged.</summary>
    public AgentIdentity? Candidate { get => Looked(field); init; }

    /// <summary>What that agent is doing.</summary>
    public AgentStatus CandidateStatus { get => (AgentStatus)Looked(_candidateStatus); init => _candidateStatus = (byte)value; }

    /// <summary>Tasks admitted before this one and not finished, of all types. Waiting and backing-off tasks do not count.</summary>
    public int RunningTasks { get; init; }

    /// <summary>Tasks admitted before this one and not finished, of its type.</summary>
    public int RunningTasksOfType { get; init; }

    /// <summary>Idle agents of the type, the candidate included.</summary>
    public int AvailableAgents { get; init; }

    /// <summary>The attempt; the first is 1.</summary>
    public int Attempt { get; init; } = 1;

    private T Looked<T>(T value)
    {
        LooksAtCandidate = true;
        return value;
    }
}
