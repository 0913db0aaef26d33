using Conductor.Policies;

namespace Conductor.Samples.Tests.Guide;

internal sealed class MonitoringGate : Policy<GatePolicyContext>
{
    public override string Name => "phase_gate"; // It takes the place of the built-in one.

    public override string Description => "Monitoring passes with half of its tasks, every other phase with all.";

    protected override ValueTask<PolicyResult> EvaluateAsync(GatePolicyContext context, CancellationToken cancellationToken) =>
        new(context.SuccessRate >= (context.Phase == WorkflowPhase.Monitoring ? 0.5 : 1)
            ? Allowed
            : Denied($"{context.FailedTasks} task(s) of {context.Phase} failed."));
}
