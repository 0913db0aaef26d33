using Conductor.Diagnostics;
using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// A store that hands everything to another one. Derive from it to see how your program behaves when a store is slow, fails, or fails after it
/// has saved: override what shall be different, and call the base for the rest. Thread-safe, as far as the other one is.
/// </summary>
/// <remarks>
/// The other store measures its operations, this one does not: each is counted once. What is failed or slowed down here is not in the metrics.
/// </remarks>
public abstract class DelegatingStateManager : StateManager
{
    /// <summary>Makes a store.</summary>
    /// <param name="inner">The other one; it is connected, disconnected and disposed with this one.</param>
    /// <param name="environment">Clock and loggers; its meters are for the other one. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    protected DelegatingStateManager(StateManager inner, ConductorEnvironment? environment = null)
        : base(SilentMeterFactory.Silence(environment))
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
    }

    /// <inheritdoc />
    public override DurabilityLevel Durability => Inner.Durability;

    /// <inheritdoc />
    public override bool IsShared => Inner.IsShared;

    /// <inheritdoc />
    public override int OperationsUnderWay => Inner.OperationsUnderWay;

    /// <inheritdoc />
    public override LeaseStore Leases => Inner.Leases;

    /// <inheritdoc />
    public override EffectStore Effects => Inner.Effects;

    /// <summary>The other store.</summary>
    protected StateManager Inner { get; }

    /// <inheritdoc />
    public override void EnsureCanSave(TaskResult result) => Inner.EnsureCanSave(result);

    /// <inheritdoc />
    protected override ValueTask ConnectCoreAsync(CancellationToken cancellationToken) => Inner.ConnectAsync(cancellationToken);

    /// <inheritdoc />
    protected override ValueTask DisconnectCoreAsync(CancellationToken cancellationToken) => Inner.DisconnectAsync(cancellationToken);

    /// <inheritdoc />
    protected override async ValueTask DisposeCoreAsync()
    {
        await Inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        Inner.SaveAgentStateAsync(state, expectation, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<AgentState?> GetAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        Inner.GetAgentStateAsync(agentId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken) =>
        Inner.DeleteAgentStateAsync(agentId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<Page<AgentState>> ListAgentStatesCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        Inner.ListAgentStatesAsync(page, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken) =>
        Inner.SaveWorkflowStateAsync(state, expectation, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        Inner.GetWorkflowStateAsync(workflowId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        Inner.GetWorkflowDefinitionAsync(workflowId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<Page<WorkflowSummary>> ListWorkflowsCoreAsync(WorkflowQuery query, CancellationToken cancellationToken) =>
        Inner.ListWorkflowsAsync(query, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        Inner.ListUnfinishedWorkflowsAsync(page, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        Inner.DeleteWorkflowAsync(workflowId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken) =>
        Inner.CommitWorkflowAsync(transition, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken) =>
        Inner.GetWorkflowHistoryAsync(workflowId, afterPosition, limit, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        Inner.RequestCancellationAsync(workflowId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        Inner.IsCancellationRequestedAsync(workflowId, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken) =>
        Inner.SaveTaskResultAsync(result, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) => key.WorkflowId is { } run
        ? Inner.GetTaskResultAsync(run, key.TaskId, key.Round, cancellationToken)
        : Inner.GetTaskResultAsync(key.TaskId, cancellationToken);

    /// <inheritdoc />
    protected override async ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        var isNew = await Inner.GetDeadLetterAsync(record.Id, cancellationToken).ConfigureAwait(false) is null;
        await Inner.SaveDeadLetterAsync(record, cancellationToken).ConfigureAwait(false);
        return isNew;
    }

    /// <inheritdoc />
    protected override ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken) =>
        Inner.GetDeadLetterAsync(id, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken) =>
        Inner.ListDeadLettersAsync(page, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken) =>
        Inner.DeleteDeadLetterAsync(id, cancellationToken);

    /// <inheritdoc />
    protected override ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken) => Inner.ClearDeadLettersAsync(cancellationToken);
}
