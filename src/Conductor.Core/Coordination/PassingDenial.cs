using Conductor.Policies;

namespace Conductor.Coordination;

/// <summary>What a policy denied for the time being. Immutable.</summary>
/// <param name="Result">What it said.</param>
/// <param name="SeenVersion">The version of the capacity that was read before it was asked.</param>
/// <param name="SeenRetreats">
/// For a dispatch that others were admitted before: how many <see cref="CapacityGate.Retreats"/> there had been. Null for one that had nobody
/// before it, so that no reservation was in its way.
/// </param>
/// <param name="IsOfCountsAlone">Whether the policy looks at nothing but how many tasks run: it would have denied any other task, too.</param>
/// <param name="Before">How many tasks were before it: with as many, a policy that looks at nothing else would deny it again.</param>
internal sealed record PassingDenial(PolicyResult Result, long SeenVersion, long? SeenRetreats, bool IsOfCountsAlone, int Before)
{
    /// <summary>What is thrown when it is waited for no longer.</summary>
    public PolicyViolationException Violation { get; } = ToViolation(Result);

    /// <summary>The version that was read before the first of several candidates was judged: what that one was denied for may have come free since.</summary>
    public long FirstVersion { get; init; } = SeenVersion;

    /// <summary>Whether no policy was asked, because what came free is promised to one that is served before it.</summary>
    public bool IsOfPromise { get; init; }

    public static PolicyViolationException ToViolation(PolicyResult denial) => new(denial.PolicyName, denial.Reason) { IsTransient = denial.IsTransient };
}
