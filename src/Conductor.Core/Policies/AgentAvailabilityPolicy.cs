namespace Conductor.Policies;

/// <summary>Gives tasks only to idle agents. Immutable and thread-safe.</summary>
public sealed class AgentAvailabilityPolicy : Policy<DispatchPolicyContext>
{
    /// <inheritdoc />
    public override string Name => "agent_availability";

    /// <inheritdoc />
    public override string Description => "Only an idle agent is given a task.";

    /// <inheritdoc />
    public override PolicyTarget Target => PolicyTarget.Candidate;

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Candidate is { } candidate)
        {
            return new ValueTask<PolicyResult>(context.CandidateStatus == AgentStatus.Idle
                ? Allowed
                : Denied($"agent '{candidate.Id}' is {context.CandidateStatus}, not idle."));
        }

        return new ValueTask<PolicyResult>(context.AvailableAgents > 0
            ? Allowed
            : Denied($"no agent of type '{context.Task.AgentType}' is idle."));
    }
}
