using Conductor.Policies;

namespace Conductor.Coordination;

/// <summary>What a policy denied for the time being. Immutable.</summary>
/// <param name="Result">What it said.</param>
/// <param name="Violation">What is thrown when it is waited for no longer.</param>
/// <param name="SeenVersion">The version of the capacity that was read before it was asked.</param>
internal sealed record PassingDenial(PolicyResult Result, PolicyViolationException Violation, long SeenVersion);
