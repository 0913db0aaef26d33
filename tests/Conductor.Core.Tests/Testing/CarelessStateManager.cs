using Conductor.Diagnostics;
using Conductor.State;

namespace Conductor.Tests.Testing;

/// <summary>A store that breaks its promises: no versions, no fences, the last result wins.</summary>
internal sealed class CarelessStateManager(ConductorEnvironment environment) : StateManager(environment)
{
    private readonly InMemoryStateManager _inner = new(environment);
    private readonly Dictionary<ExecutionKey, TaskResult> _results = [];

    public override DurabilityLevel Durability => DurabilityLevel.Volatile;

    public override bool IsShared => false;

    public override LeaseStore Leases => _inner.Leases;

    public override EffectStore Effects => _inner.Effects;

    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => _inner.ConnectAsync(cancellationToken);

    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => _inner.DisconnectAsync(cancellationToken);

    protected override ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        _inner.SaveAgentStateAsync(state, StateExpectation.Any, cancellationToken);

    protected override ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        _inner.GetAgentStateAsync(agentId, cancellationToken);

    protected override ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        _inner.DeleteAgentStateAsync(agentId, cancellationToken);

    protected override ValueTask<Page<AgentState>> ListAgentStatesCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        _inner.ListAgentStatesAsync(page, cancellationToken);

    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        _inner.SaveWorkflowStateAsync(state, StateExpectation.Any, cancellationToken);

    protected override ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        _inner.GetWorkflowStateAsync(workflowId, cancellationToken);

    protected override ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        _inner.GetWorkflowDefinitionAsync(workflowId, cancellationToken);

    protected override ValueTask<Page<WorkflowSummary>> ListWorkflowsCoreAsync(WorkflowQuery query, CancellationToken cancellationToken) =>
        _inner.ListWorkflowsAsync(query, cancellationToken);

    protected override ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        _inner.ListUnfinishedWorkflowsAsync(page, cancellationToken);

    protected override ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        _inner.DeleteWorkflowAsync(workflowId, cancellationToken);

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var known = await _inner.GetWorkflowStateAsync(transition.Summary.WorkflowId, cancellationToken);
            try
            {
                return await _inner.CommitWorkflowAsync(
                    transition with { ExpectedVersion = known?.StoreVersion ?? 0, Lease = null }, cancellationToken);
            }
            catch (StateException)
            {
                // Another came first: overwrite it.
            }
        }
    }

    protected override ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken) =>
        _inner.GetWorkflowHistoryAsync(workflowId, afterPosition, limit, cancellationToken);

    protected override ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        _inner.RequestCancellationAsync(workflowId, cancellationToken);

    protected override ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        _inner.IsCancellationRequestedAsync(workflowId, cancellationToken);

    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        _results[new ExecutionKey(result.WorkflowId, result.TaskId, result.Round)] = result;
        return new ValueTask<RecordOutcome>(RecordOutcome.Recorded);
    }

    protected override ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) =>
        new(_results.GetValueOrDefault(key));

    protected override async ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken)
    {
        await _inner.SaveDeadLetterAsync(record, cancellationToken);
        return true;
    }

    protected override ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken) =>
        _inner.GetDeadLetterAsync(id, cancellationToken);

    protected override ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        _inner.ListDeadLettersAsync(page, cancellationToken);

    protected override ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken) =>
        _inner.DeleteDeadLetterAsync(id, cancellationToken);

    protected override ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken) => _inner.ClearDeadLettersAsync(cancellationToken);
}
