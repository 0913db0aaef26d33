namespace Conductor.Policies;

/// <summary>The first denial; <c>default</c> when nothing was denied.</summary>
/// <param name="Denial">What the policy said.</param>
/// <param name="ConcernsCandidate">Whether another agent may be allowed to take the task.</param>
/// <param name="IsOfCountsAlone">Whether the policy looks at nothing but how many tasks run: it would have denied any other task, too.</param>
internal readonly record struct PolicyVerdict(PolicyResult? Denial, bool ConcernsCandidate, bool IsOfCountsAlone)
{
    public bool IsAllowed => Denial is null;

    /// <summary>A policy has denied an action.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="target">What it says that its denials concern.</param>
    /// <param name="denial">What it said.</param>
    /// <param name="context">The action.</param>
    public static PolicyVerdict Of(Policy policy, PolicyTarget target, PolicyResult denial, PolicyContext context)
    {
        var concernsCandidate = target switch
        {
            PolicyTarget.Task => false,
            PolicyTarget.Candidate => true,
            _ => context.LooksAtCandidate,
        };
        return new(denial, concernsCandidate, policy is MaxConcurrentTasksPolicy);
    }
}
