namespace Conductor.Policies;

/// <summary>The first denial and the policy it came from; <c>default</c> when nothing was denied.</summary>
internal readonly record struct PolicyVerdict(Policy? Policy, PolicyResult? Denial)
{
    public bool IsAllowed => Denial is null;
}
