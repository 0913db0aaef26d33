namespace Conductor.Policies;

/// <summary>Whom a policy's denial concerns.</summary>
public enum PolicyTarget
{
    /// <summary>The task: no other agent would change the verdict, so a denial ends the search for one at once.</summary>
    Task,

    /// <summary>The candidate: another agent may be allowed to take the task.</summary>
    Candidate,
}
