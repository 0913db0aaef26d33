using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.Support;

/// <summary>A store with which something goes wrong, or takes long, as long as a test says so.</summary>
internal sealed class TroubledStateManager : DelegatingStateManager
{
    public TroubledStateManager(StateManager inner)
        : base(inner) => Leases = new TroubledLeases(this, inner.Leases);

    /// <summary>Awaited before each operation of this name.</summary>
    public ConcurrentDictionary<string, Func<Task>> Trouble { get; } = [];

    /// <summary>The same for what is thrown before there is anything to await.</summary>
    public ConcurrentDictionary<string, Func<Task>> TroubleAtOnce { get; } = [];

    /// <summary>The store without the trouble.</summary>
    public StateManager Store => Inner;

    /// <summary>How often a run's history was read.</summary>
    public int Reads { get; private set; }

    /// <summary>How often runs to take over were looked for.</summary>
    public int Looks { get; private set; }

    public override LeaseStore Leases { get; }

    public override void EnsureCanSave(TaskResult result)
    {
        BeforeAsync(nameof(EnsureCanSave)).GetAwaiter().GetResult();
        base.EnsureCanSave(result);
    }

    protected override async ValueTask<long> SaveAgentStateCoreAsync(AgentState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(SaveAgentStateAsync));
        return await base.SaveAgentStateCoreAsync(state, expectation, cancellationToken);
    }

    protected override ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        return TroubleAtOnce.TryGetValue(nameof(SaveTaskResultAsync), out var trouble) && !trouble().IsCompletedSuccessfully ? default : SaveAsync();

        async ValueTask<RecordOutcome> SaveAsync()
        {
            await BeforeAsync(nameof(SaveTaskResultAsync));
            return await base.SaveTaskResultCoreAsync(result, cancellationToken);
        }
    }

    protected override async ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(GetTaskResultAsync));
        return await base.GetTaskResultCoreAsync(key, cancellationToken);
    }

    protected override async ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(SaveDeadLetterAsync));
        return await base.SaveDeadLetterCoreAsync(record, cancellationToken);
    }

    protected override async ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(DeleteDeadLetterAsync));
        return await base.DeleteDeadLetterCoreAsync(id, cancellationToken);
    }

    protected override async ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        Looks++;
        await BeforeAsync(nameof(ListUnfinishedWorkflowsAsync));
        return await base.ListUnfinishedWorkflowsCoreAsync(page, cancellationToken);
    }

    protected override async ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(RequestCancellationAsync));
        return await base.RequestCancellationCoreAsync(workflowId, cancellationToken);
    }

    protected override async ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(IsCancellationRequestedAsync));
        return await base.IsCancellationRequestedCoreAsync(workflowId, cancellationToken);
    }

    protected override async ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(GetWorkflowDefinitionAsync));
        return await base.GetWorkflowDefinitionCoreAsync(workflowId, cancellationToken);
    }

    protected override async ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(GetWorkflowStateAsync));
        return await base.GetWorkflowStateCoreAsync(workflowId, cancellationToken);
    }

    protected override async ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken)
    {
        Reads++;
        await BeforeAsync(nameof(GetWorkflowHistoryAsync));
        return await base.GetWorkflowHistoryCoreAsync(workflowId, afterPosition, limit, cancellationToken);
    }

    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        await BeforeAsync(nameof(CommitWorkflowAsync));
        return await base.CommitWorkflowCoreAsync(transition, cancellationToken);
    }

    private Task BeforeAsync(string operation) => Trouble.TryGetValue(operation, out var trouble) ? trouble() : Task.CompletedTask;

    private sealed class TroubledLeases(TroubledStateManager store, LeaseStore inner) : PassingLeaseStore(inner)
    {
        protected override async ValueTask<Lease?> TryAcquireCoreAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken)
        {
            await store.BeforeAsync(nameof(TryAcquireAsync));
            return await Inner.TryAcquireAsync(name, owner, duration, cancellationToken);
        }

        protected override async ValueTask<Lease?> TryRenewCoreAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken)
        {
            await store.BeforeAsync(nameof(TryRenewAsync));
            return await Inner.TryRenewAsync(lease, duration, cancellationToken);
        }

        protected override async ValueTask<bool> ReleaseCoreAsync(Lease lease, CancellationToken cancellationToken)
        {
            await store.BeforeAsync(nameof(ReleaseAsync));
            return await Inner.ReleaseAsync(lease, cancellationToken);
        }
    }
}
