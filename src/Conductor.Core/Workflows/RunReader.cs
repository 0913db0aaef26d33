using Conductor.State;
using Microsoft.Extensions.Logging;

namespace Conductor.Workflows;

/// <summary>
/// What the store has of runs, for whoever goes on with one. A question that the store leaves without an answer is given up after a term of the
/// lease: no other run waits for that one, and it is tried again. Thread-safe.
/// </summary>
internal sealed class RunReader(StateManager store, TimeSpan patience, TimeProvider time, ILogger logger)
{
    public ValueTask<WorkflowDefinition?> GetDefinitionAsync(string runId, CancellationToken cancellationToken) =>
        InTimeAsync(store.GetWorkflowDefinitionAsync(runId, cancellationToken), runId, "the definition of", cancellationToken);

    public ValueTask<WorkflowState?> GetStateAsync(string runId, CancellationToken cancellationToken) =>
        InTimeAsync(store.GetWorkflowStateAsync(runId, cancellationToken), runId, "the state of", cancellationToken);

    public ValueTask<WorkflowHistory?> GetHistoryAsync(string runId, long after, CancellationToken cancellationToken) =>
        InTimeAsync(store.GetWorkflowHistoryAsync(runId, after, cancellationToken: cancellationToken), runId, "the history of", cancellationToken);

    public ValueTask<TaskResult?> GetTaskResultAsync(string runId, string taskId, int round, CancellationToken cancellationToken) =>
        InTimeAsync(store.GetTaskResultAsync(runId, taskId, round, cancellationToken), runId, $"the result of task '{taskId}' of", cancellationToken);

    public ValueTask<bool> IsCancelledAsync(string runId, CancellationToken cancellationToken) =>
        InTimeAsync(store.IsCancellationRequestedAsync(runId, cancellationToken), runId, "the wish to cancel", cancellationToken);

    /// <summary>Asks for the lease of a run. One that the store gives once nobody waits for it runs out by itself.</summary>
    /// <param name="run">The run.</param>
    /// <param name="owner">Whose it is to be.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<Lease?> TryTakeAsync(UnfinishedWorkflow run, string owner, CancellationToken cancellationToken)
    {
        var taken = run is { IsHeld: true, Lease: { } silent }
            ? store.Leases.TryTakeOverAsync(silent, owner, patience, cancellationToken)
            : store.Leases.TryAcquireAsync(StateManager.WorkflowKey(run.WorkflowId), owner, patience, cancellationToken);
        return InTimeAsync(taken, run.WorkflowId, "the lease of", cancellationToken);
    }

    private ValueTask<T> InTimeAsync<T>(ValueTask<T> answer, string runId, string what, CancellationToken cancellationToken) => answer.InTimeAsync(
        patience,
        time,
        $"it was asked for {what} run '{runId}'.",
        StateManager.WorkflowKey(runId),
        exception => Log.AnswerFailedLate(logger, exception, runId),
        cancellationToken);
}
