using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Testing;

/// <summary>A store that breaks its promises: no versions, no fences, no operation ids, the last result wins.</summary>
internal sealed class CarelessStateManager(ConductorEnvironment environment) : DelegatingStateManager(new InMemoryStateManager(environment), environment)
{
    private readonly Dictionary<ExecutionKey, TaskResult> _results = [];

    protected override ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        base.SaveAgentStateCoreAsync(state, StateExpectation.Any, cancellationToken);

    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        base.SaveWorkflowStateCoreAsync(state, StateExpectation.Any, cancellationToken);

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var known = await Inner.GetWorkflowStateAsync(transition.Summary.WorkflowId, cancellationToken);
            try
            {
                return await Inner.CommitWorkflowAsync(
                    transition with { ExpectedVersion = known?.StoreVersion ?? 0, Lease = null, OperationId = null }, cancellationToken);
            }
            catch (StateException)
            {
                // Another came first: overwrite it.
            }
        }
    }

    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        _results[new ExecutionKey(result.WorkflowId, result.TaskId, result.Round)] = result;
        return new ValueTask<RecordOutcome>(RecordOutcome.Recorded);
    }

    protected override ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) =>
        new(_results.GetValueOrDefault(key));
}
