namespace Conductor.State;

/// <summary>An attempt of a task that failed, and is followed by another. Immutable.</summary>
/// <param name="TaskId">The task.</param>
/// <param name="AgentId">The agent of the one that failed; null where it never got the task.</param>
/// <param name="Attempts">Attempts made so far.</param>
/// <param name="Error">What it failed with.</param>
/// <param name="Delay">After how long the next one may begin.</param>
internal sealed record TaskRetry(string TaskId, string? AgentId, int Attempts, TaskError Error, TimeSpan Delay);
