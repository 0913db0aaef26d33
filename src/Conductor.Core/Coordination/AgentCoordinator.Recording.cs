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

    /// <summary>
    /// A store that could not be written is asked again for a while: what ran must not run again for want of a record, and repeating it is safe.
    /// Whoever has no time for that ends it after one more try.
    /// </summary>
    private async ValueTask<RecordOutcome> AwaitSavedAsync(ValueTask<RecordOutcome> saved, TaskResult result, CancellationToken cancellationToken)
    {
        // Nearly always it is only a matter of waiting for the disk: who calls without a token pays for no more than the limit of that.
        using var both = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _aborted) : null;
        var hurry = both?.Token ?? _aborted;
        var saving = saved.AsTask();
        await ((Task)saving).WaitAsync(StoreRepetition.LongestAnswer, _time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return saving.IsCompletedSuccessfully ? await saving.ConfigureAwait(false) : await SaveAgainAsync(saving, result, hurry).ConfigureAwait(false);
    }

    private async ValueTask<RecordOutcome> SaveAgainAsync(Task<RecordOutcome> saving, TaskResult result, CancellationToken hurry) =>
        await StoreRepetition.AskAsync(
            _time,
            _logger,
            result,
            again => _state.SaveTaskResultAsync(again, CancellationToken.None),
            static result => $"the result of task '{result.TaskId}' was to be saved. Dispatch the task again, under the same id: it runs only if it was not.",
            (again, failure, delay) => Log.ResultSavedLater(_logger, failure, again.TaskId, delay),
            hurry,
            saving).ConfigureAwait(false);

    /// <summary>What was recorded in place of this result.</summary>
    private async ValueTask<TaskResult> RecordedAsync(TaskResult result, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _aborted);
        return await StoreRepetition.AskAsync(
            _time,
            _logger,
            result.TaskId,
            id => _state.GetTaskResultAsync(id, CancellationToken.None),
            static id => $"the result of task '{id}' was to be read, which was recorded by another dispatch before. Dispatch the task again: it does not run.",
            static (_, _, _) => { },
            patience.Token).ConfigureAwait(false) ?? result;
    }
}
