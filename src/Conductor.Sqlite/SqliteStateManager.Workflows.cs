using Conductor.Sqlite.Records;

namespace Conductor.Sqlite;

/// <content>Runs of workflows.</content>
public sealed partial class SqliteStateManager
{
    /// <inheritdoc />
    protected override async ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        return await WriteAsync(session => _workflowWrites.Save(session, state, expectation), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        await ReadAsync(session => _workflowReads.State(session, workflowId), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken) =>
        await ReadAsync(session => _workflowReads.Definition(session, workflowId), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<Page<WorkflowSummary>> ListWorkflowsCoreAsync(WorkflowQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var after = WorkflowReads.Position(query.Page);
        var now = Environment.TimeProvider.GetUtcNow();
        return await ReadAsync(session => _workflowReads.List(session, query, after, now), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        var now = Environment.TimeProvider.GetUtcNow();
        return await ReadAsync(session => WorkflowReads.Unfinished(session, page, now), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken)
    {
        var deleted = await WriteAsync(session => SqliteRetention.Delete(session, workflowId), cancellationToken).ConfigureAwait(false);
        if (deleted)
        {
            // Most of it is still in the file.
            NoteFinished();
        }

        return deleted;
    }

    /// <inheritdoc />
    protected override async ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transition);

        // Written down on the caller's thread: the writer only writes.
        var step = new EncodedStep(transition, _codec);
        var version = await WriteAsync(session => _workflowWrites.Commit(session, step), cancellationToken).ConfigureAwait(false);
        if (transition.Summary.IsComplete)
        {
            NoteFinished();
        }

        return version;
    }

    /// <inheritdoc />
    protected override async ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken) =>
        await ReadAsync(session => _workflowReads.History(session, workflowId, afterPosition, limit), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken) => await WriteAsync(
        session => session.Execute("UPDATE conductor_workflows SET cancel_requested = 1 WHERE id = $1 AND completed_at IS NULL", workflowId) > 0,
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken) => await ReadAsync(
        session => _workflowReads.IsCancellationRequested(session, workflowId), cancellationToken).ConfigureAwait(false);
}
