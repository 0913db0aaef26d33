using System.Globalization;
using System.Text;

namespace Conductor.Policies;

/// <summary>A task about to be given to an agent. Counts are those before it. Immutable.</summary>
public sealed record DispatchPolicyContext : PolicyContext
{
    /// <summary>A byte, so that there is room for the mark: a context is made for each dispatch.</summary>
    private readonly byte _candidateStatus;
    private readonly AgentIdentity? _candidate;

    /// <summary>The task.</summary>
    public required TaskDefinition Task { get; init; }

    /// <summary>
    /// The agent it would be given to; null when only the task is judged. A denial by a policy that has asked for it, or for its status, concerns the candidate
    /// (<see cref="PolicyTarget.Automatic"/>): another may be tried.
    /// </summary>
    public AgentIdentity? Candidate { get => Looked(_candidate); init => _candidate = value; }

    /// <summary>What that agent is doing. Whoever asks for it has looked at the candidate.</summary>
    public AgentStatus CandidateStatus { get => (AgentStatus)Looked(_candidateStatus); init => _candidateStatus = (byte)value; }

    /// <summary>Tasks admitted before this one and not finished, of all types. Waiting and backing-off tasks do not count.</summary>
    public int RunningTasks { get; init; }

    /// <summary>Tasks admitted before this one and not finished, of its type.</summary>
    public int RunningTasksOfType { get; init; }

    /// <summary>Idle agents of the type, the candidate included.</summary>
    public int AvailableAgents { get; init; }

    /// <summary>The attempt; the first is 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>Writes down what it says, for a log: that is no look at the candidate.</summary>
    protected override bool PrintMembers(StringBuilder builder)
    {
        base.PrintMembers(builder);
        builder.Append(CultureInfo.InvariantCulture, $", {nameof(Task)} = {Task}, {nameof(Candidate)} = {_candidate}, ")
            .Append(CultureInfo.InvariantCulture, $"{nameof(CandidateStatus)} = {(AgentStatus)_candidateStatus}, {nameof(RunningTasks)} = {RunningTasks}, ")
            .Append(CultureInfo.InvariantCulture, $"{nameof(RunningTasksOfType)} = {RunningTasksOfType}, {nameof(AvailableAgents)} = {AvailableAgents}, ")
            .Append(CultureInfo.InvariantCulture, $"{nameof(Attempt)} = {Attempt}");
        return true;
    }

    private T Looked<T>(T value)
    {
        LooksAtCandidate = true;
        return value;
    }
}
