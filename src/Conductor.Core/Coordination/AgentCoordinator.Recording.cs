using Conductor.State;

namespace Conductor.Coordination;

/// <content>Recording the results of tasks outside workflows.</content>
public sealed partial class AgentCoordinator
{
    private ValueTask<RecordOutcome> SaveAsync(TaskResult result)
    {
        try
        {
            return _state.SaveTaskResultAsync(result, CancellationToken.None);
        }
#pragma warning disable CA1031 // It is thrown to whoever awaits it, like one that comes later.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return ValueTask.FromException<RecordOutcome>(exception);
        }
    }

    private async ValueTask<RecordOutcome> AwaitSavedTracedAsync(
        ValueTask<RecordOutcome> saved, TaskResult result, DispatchSpan step, CancellationToken cancellationToken)
    {
        try
        {
            return await AwaitSavedAsync(saved, result, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The dispatch fails, whatever its task did.
            FailUnlessCancelled(step, exception);
            throw;
        }
    }

    private async ValueTask<RecordOutcome> AwaitSavedAsync(ValueTask<RecordOutcome> saved, TaskResult result, CancellationToken cancellationToken)
    {
        try
        {
            return await saved.ConfigureAwait(false);
        }
        catch (StateException exception) when (exception.IsTransient == true)
        {
            return await SaveLaterAsync(result, exception, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A store that could not be written is asked again for a while: what ran must not run again for want of a record, and repeating it is safe.
    /// Whoever has no time for that ends it after one more try.
    /// </summary>
    private async ValueTask<RecordOutcome> SaveLaterAsync(TaskResult result, StateException exception, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _aborted);
        return await StoreRepetition.AskAsync(
            _time,
            result,
            saved => _state.SaveTaskResultAsync(saved, CancellationToken.None),
            (saved, failure, delay) => Log.ResultSavedLater(_logger, failure, saved.TaskId, delay),
            patience.Token,
            exception).ConfigureAwait(false);
    }

    /// <summary>What was recorded in place of this result.</summary>
    private async ValueTask<TaskResult> RecordedAsync(TaskResult result) =>
        await _state.GetTaskResultAsync(result.TaskId, CancellationToken.None).ConfigureAwait(false) ?? result;
}
