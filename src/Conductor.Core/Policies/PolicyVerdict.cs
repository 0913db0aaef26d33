namespace Conductor.Policies;

/// <summary>The first denial; <c>default</c> when nothing was denied.</summary>
/// <param name="Denial">What the policy said.</param>
/// <param name="ConcernsCandidate">Whether another agent may be allowed to take the task.</param>
/// <param name="IsOfCountsAlone">Whether the policy looks at nothing but how many tasks run: it would have denied any other task, too.</param>
internal readonly record struct PolicyVerdict(PolicyResult? Denial, bool ConcernsCandidate, bool IsOfCountsAlone)
{
    public bool IsAllowed => Denial is null;

    /// <summary>A policy has denied an action.</summary>
    public static PolicyVerdict Of(Policy policy, PolicyResult denial, PolicyContext context)
    {
        var concernsCandidate = policy.Target switch
        {
            PolicyTarget.Task => false,
            PolicyTarget.Candidate => true,
            _ => context.LooksAtCandidate,
        };
        return new(denial, concernsCandidate, policy is MaxConcurrentTasksPolicy);
    }
}
