namespace Conductor.Policies;

/// <summary>Whom a policy's denial concerns.</summary>
public enum PolicyTarget
{
    /// <summary>
    /// The candidate when the policy looked at <see cref="DispatchPolicyContext.Candidate"/> (or its status) before it denied, the task when it did
    /// not: then no other agent would change the verdict.
    /// </summary>
    Automatic,

    /// <summary>The task: no other agent would change the verdict, so a denial ends the search for one at once.</summary>
    Task,

    /// <summary>The candidate: another agent may be allowed to take the task.</summary>
    Candidate,
}
