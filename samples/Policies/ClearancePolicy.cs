using Conductor.Policies;

namespace Policies;

/// <summary>A policy about the candidate: when this agent may not have the task, another one is tried.</summary>
internal sealed class ClearancePolicy(string clearedAgentId) : Policy<DispatchPolicyContext>
{
    /// <summary>The note on a task that not everybody may see.</summary>
    public const string Secret = "secret";

    /// <inheritdoc />
    public override string Name => "clearance";

    /// <inheritdoc />
    public override string Description => $"Secret files are for {clearedAgentId} only.";

    /// <inheritdoc />
    public override PolicyTarget Target => PolicyTarget.Candidate;

    /// <inheritdoc />
    protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
        new(context.Candidate is { } agent && context.Task.Metadata.ContainsKey(Secret) && agent.Id != clearedAgentId
            ? Denied($"'{agent.Id}' may not see secret files.")
            : Allowed);
}
