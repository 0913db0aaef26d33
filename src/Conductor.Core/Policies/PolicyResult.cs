namespace Conductor.Policies;

/// <summary>A policy's verdict. Immutable.</summary>
public sealed record PolicyResult
{
    /// <summary>Whether the action is allowed.</summary>
    public required bool Allowed { get; init; }

    /// <summary>The policy that says so.</summary>
    public required string PolicyName { get; init; }

    /// <summary>Why.</summary>
    public string Reason { get; init; } = string.Empty;

    /// <summary>
    /// Whether a denial may pass by itself (capacity): a dispatch then waits instead of failing. A gate is asked once: there it makes no difference.
    /// </summary>
    public bool IsTransient { get; init; }

    /// <summary>Whatever else the policy has to say.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init => field = Snapshot.Of(value); } = Snapshot.EmptyMap;

    /// <summary>Allows.</summary>
    /// <param name="policyName">The policy.</param>
    /// <param name="reason">Why.</param>
    public static PolicyResult Allow(string policyName, string reason = "") => new() { Allowed = true, PolicyName = policyName, Reason = reason };

    /// <summary>Denies.</summary>
    /// <param name="policyName">The policy.</param>
    /// <param name="reason">Why, naming the value and the limit.</param>
    /// <param name="isTransient">Whether it may pass by itself, so that a dispatch waits; at a gate without meaning. Default: false.</param>
    public static PolicyResult Deny(string policyName, string reason, bool isTransient = false) =>
        new() { Allowed = false, PolicyName = policyName, Reason = reason, IsTransient = isTransient };
}
