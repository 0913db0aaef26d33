using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Testing;

/// <summary>A store that takes ids for one that are only nearly alike.</summary>
internal sealed class BlurredStateManager(ConductorEnvironment environment, Func<string, string> blur)
    : DelegatingStateManager(new InMemoryStateManager(environment), environment)
{
    public override LeaseStore Leases => new BlurredLeases(Inner.Leases, blur);

    protected override ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        base.SaveAgentStateCoreAsync(state with { AgentId = blur(state.AgentId) }, expectation, cancellationToken);

    protected override ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        base.GetAgentStateCoreAsync(blur(agentId), cancellationToken);

    protected override ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        var id = blur(transition.Summary.WorkflowId);
        return base.CommitWorkflowCoreAsync(
            transition with
            {
                Summary = transition.Summary with { WorkflowId = id },
                Results = [.. transition.Results.Select(result => result with { WorkflowId = id })],
            },
            cancellationToken);
    }

    protected override ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        base.GetWorkflowStateCoreAsync(blur(workflowId), cancellationToken);

    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken) =>
        base.SaveTaskResultCoreAsync(result with { TaskId = blur(result.TaskId) }, cancellationToken);

    /// <summary>Leases by names that are only nearly alike.</summary>
    private sealed class BlurredLeases(LeaseStore inner, Func<string, string> blur) : PassingLeaseStore(inner)
    {
        protected override ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
            Inner.TryAcquireAsync(blur(name), owner, duration, cancellationToken);

        protected override ValueTask<Lease?> GetCoreAsync(string name, CancellationToken cancellationToken) => Inner.GetAsync(blur(name), cancellationToken);
    }
}
