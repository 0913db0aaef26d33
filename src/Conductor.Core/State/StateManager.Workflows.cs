namespace Conductor.State;

/// <content>Runs of workflows.</content>
public abstract partial class StateManager
{
    private const string WorkflowKeyPrefix = "workflow:";

    /// <summary>The key of a run's lease and record.</summary>
    /// <param name="workflowId">The run.</param>
    public static string WorkflowKey(string workflowId) => WorkflowKeyPrefix + workflowId;

    /// <summary>Whether a key is that of a run; asked for every step.</summary>
    internal static bool IsWorkflowKey(string key, string workflowId) =>
        key.Length == WorkflowKeyPrefix.Length + workflowId.Length
        && key.StartsWith(WorkflowKeyPrefix, StringComparison.Ordinal)
        && key.EndsWith(workflowId, StringComparison.Ordinal);

    /// <summary>The run of a key, if it is that of a run.</summary>
    internal static bool TryGetWorkflowId(string key, out ReadOnlySpan<char> workflowId)
    {
        var isRuns = key.StartsWith(WorkflowKeyPrefix, StringComparison.Ordinal);
        workflowId = isRuns ? key.AsSpan(WorkflowKeyPrefix.Length) : default;
        return isRuns;
    }

    /// <summary>
    /// Saves the whole state of a run, as <c>workflow:{workflow_id}</c>. The engine itself commits steps instead, see
    /// <see cref="CommitWorkflowAsync"/>.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="expectation">What must be there. Default: null, the version in <see cref="WorkflowState.StoreVersion"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The new version.</returns>
    /// <exception cref="StateException">STATE_CONFLICT: another version is there; nothing was changed.</exception>
    /// <exception cref="ArgumentException">A result in it is null, names another run or a negative round, or stands under the id of another task.</exception>
    /// <exception cref="TaskValidationException">
    /// It holds a nameless agent type or phase (<c>default</c>), or a value that its enumeration does not have.
    /// </exception>
    public ValueTask<long> SaveWorkflowStateAsync(WorkflowState state, StateExpectation? expectation = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(state);
        IdText.ThrowIfInvalid(state.WorkflowId, nameof(state));
        foreach (var (taskId, result) in state.TaskResults)
        {
            IdText.ThrowIfInvalid(taskId, nameof(state));
            ThrowIfElsewhere(result, state.WorkflowId, taskId, nameof(state));
            StorableRecord.Ensure(result);
        }

        StorableRecord.Ensure(state);

        return Measure("save_workflow_state", (state, expectation ?? StateExpectation.AtVersion(state.StoreVersion)),
            static (store, argument, token) => store.SaveWorkflowStateCoreAsync(argument.Item1, argument.Item2, token), cancellationToken);
    }

    /// <summary>The state of a run.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The state with its version, or null when none is stored.</returns>
    public ValueTask<WorkflowState?> GetWorkflowStateAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        return Measure(
            "get_workflow_state", workflowId, static (store, argument, token) => store.GetWorkflowStateCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>The definition that a run was started with.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The definition, or null when none is stored.</returns>
    public ValueTask<WorkflowDefinition?> GetWorkflowDefinitionAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        return Measure(
            "get_workflow_definition", workflowId, static (store, argument, token) => store.GetWorkflowDefinitionCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Lists runs, the youngest first.</summary>
    /// <param name="query">Which. Default: all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The page's size is out of its range, or its token is not one of this list.</exception>
    public ValueTask<Page<WorkflowSummary>> ListWorkflowsAsync(WorkflowQuery? query = null, CancellationToken cancellationToken = default)
    {
        var request = query ?? new WorkflowQuery();
        request.Page.Validate(nameof(query));
        return Measure("list_workflows", request, static (store, argument, token) => store.ListWorkflowsCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Lists runs that have not ended, with their leases, ordered by id: those to take over are among them.</summary>
    /// <param name="page">Which page. Default: the first, of 100. Its token is the id that the page comes after, so that any text is one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The page's size is out of its range.</exception>
    public ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsAsync(PageRequest? page = null, CancellationToken cancellationToken = default)
    {
        var request = page ?? PageRequest.First;
        request.Validate(nameof(page));
        return Measure("list_unfinished_workflows", request,
            static (store, argument, token) => store.ListUnfinishedWorkflowsCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>
    /// Deletes a run with its results, events and effects. One in progress goes, too: its owner can save nothing more, stops its tasks when it
    /// notices that, and <c>WorkflowRun.Completion</c> fails with LEASE_LOST. To end it in order, cancel it first and wait for its end.
    /// </summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was one.</returns>
    public ValueTask<bool> DeleteWorkflowAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        return Measure("delete_workflow", workflowId, static (store, argument, token) => store.DeleteWorkflowCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Commits one step of a run, whole or not at all.</summary>
    /// <param name="transition">The step.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The new version.</returns>
    /// <exception cref="StateException">
    /// STATE_CONFLICT: another version is there. LEASE_LOST: the step's lease is not the current one. Nothing was changed either way.
    /// </exception>
    /// <exception cref="ArgumentException">A result in it is null, or names another run or a negative round.</exception>
    /// <exception cref="TaskValidationException">
    /// It holds a nameless agent type or phase (<c>default</c>), or a value that its enumeration does not have.
    /// </exception>
    public ValueTask<long> CommitWorkflowAsync(WorkflowTransition transition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transition);
        IdText.ThrowIfInvalid(transition.Summary.WorkflowId, nameof(transition));
        for (var i = 0; i < transition.Results.Count; i++)
        {
            ThrowIfElsewhere(transition.Results[i], transition.Summary.WorkflowId, taskId: null, nameof(transition));
            StorableRecord.Ensure(transition.Results[i]);
        }

        StorableRecord.Ensure(transition);

        return Measure("commit_workflow", transition, static (store, argument, token) => store.CommitWorkflowCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>A stretch of a run's events.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="afterPosition">Only events after this position; 0 for all that are kept.</param>
    /// <param name="limit">How many at most: at least 1. Default: 1,000.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The stretch, or null when there is no such run.</returns>
    public ValueTask<WorkflowHistory?> GetWorkflowHistoryAsync(
        string workflowId, long afterPosition = 0, int limit = PageRequest.MaxSize, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        ArgumentOutOfRangeException.ThrowIfNegative(afterPosition);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return Measure("get_workflow_history", (workflowId, afterPosition, limit),
            static (store, argument, token) => store.GetWorkflowHistoryCoreAsync(argument.Item1, argument.Item2, argument.Item3, token), cancellationToken);
    }

    /// <summary>
    /// Asks the owner of a run, whoever that is, to cancel it. The request is stored with the run, and shows in
    /// <see cref="ListUnfinishedWorkflowsAsync"/>.
    /// </summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when there is no such run or it has ended.</returns>
    public ValueTask<bool> RequestCancellationAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        return Measure(
            "request_cancellation", workflowId, static (store, argument, token) => store.RequestCancellationCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>Whether somebody asked for a run to be cancelled.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<bool> IsCancellationRequestedAsync(string workflowId, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(workflowId);
        return Measure("is_cancellation_requested", workflowId,
            static (store, argument, token) => store.IsCancellationRequestedCoreAsync(argument, token), cancellationToken);
    }

    /// <summary>
    /// A result that names another run or task than those it is kept for would be another's when it is read; one of no round could not be read.
    /// </summary>
    private static void ThrowIfElsewhere(TaskResult? result, string workflowId, string? taskId, string argument)
    {
        if (result is null)
        {
            throw new ArgumentException(
                $"{(taskId is null ? "A result of the step" : $"The result under '{taskId}' in WorkflowState.TaskResults")} is null. Leave it out.", argument);
        }

        ThrowIfOfNoRound(result, argument);
        if (result.WorkflowId is { } other && other != workflowId)
        {
            throw new ArgumentException($"The result of task '{result.TaskId}' is one of run '{other}'; it cannot be saved with run '{workflowId}'.", argument);
        }

        if (taskId is not null && taskId != result.TaskId)
        {
            throw new ArgumentException(
                $"The result under '{taskId}' in WorkflowState.TaskResults is one of task '{result.TaskId}'. Put it under its own task's id.", argument);
        }
    }

    /// <summary>Saves the whole state of a run.</summary>
    /// <param name="state">The state.</param>
    /// <param name="expectation">What must be there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<long> SaveWorkflowStateCoreAsync(WorkflowState state, StateExpectation expectation, CancellationToken cancellationToken);

    /// <summary>The state of a run.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<WorkflowState?> GetWorkflowStateCoreAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>The definition that a run was started with.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<WorkflowDefinition?> GetWorkflowDefinitionCoreAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Lists runs, the youngest first. Throws <see cref="PageRequest.UnreadableToken"/> where it cannot read the page's token.</summary>
    /// <param name="query">Which.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Page<WorkflowSummary>> ListWorkflowsCoreAsync(WorkflowQuery query, CancellationToken cancellationToken);

    /// <summary>Lists runs that have not ended, ordered by id, with their leases, and whether somebody asked for them to be cancelled.</summary>
    /// <param name="page">Which page.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<Page<UnfinishedWorkflow>> ListUnfinishedWorkflowsCoreAsync(PageRequest page, CancellationToken cancellationToken);

    /// <summary>Deletes a run with its results, events and effects.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> DeleteWorkflowCoreAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Commits one step of a run, whole or not at all.</summary>
    /// <param name="transition">The step.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<long> CommitWorkflowCoreAsync(WorkflowTransition transition, CancellationToken cancellationToken);

    /// <summary>A stretch of a run's events.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="afterPosition">Only events after this position.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<WorkflowHistory?> GetWorkflowHistoryCoreAsync(
        string workflowId, long afterPosition, int limit, CancellationToken cancellationToken);

    /// <summary>Stores the wish that a run be cancelled.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> RequestCancellationCoreAsync(string workflowId, CancellationToken cancellationToken);

    /// <summary>Whether somebody asked for a run to be cancelled.</summary>
    /// <param name="workflowId">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken);
}
