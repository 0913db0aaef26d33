using System.Runtime.CompilerServices;
using Conductor.State;

namespace Conductor.Errors;

/// <content>What was given up, until it is replayed or deleted.</content>
public sealed partial class ErrorHandler
{
    /// <summary>All dead letters, the oldest first. For very many, page through <see cref="StateManager.ListDeadLettersAsync"/> instead.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<IReadOnlyList<ErrorRecord>> GetDeadLetterQueueAsync(CancellationToken cancellationToken = default)
    {
        var all = new List<ErrorRecord>();
        await foreach (var letter in ReadDeadLettersAsync(PageRequest.MaxSize, cancellationToken).ConfigureAwait(false))
        {
            all.Add(letter);
        }

        return all;
    }

    /// <summary>The same, read page by page.</summary>
    /// <param name="atOnce">How many are read at once, and held.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async IAsyncEnumerable<ErrorRecord> ReadDeadLettersAsync(int atOnce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new PageRequest { Size = atOnce };
        while (true)
        {
            var page = await _state.ListDeadLettersAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (var letter in page.Items)
            {
                yield return letter;
            }

            if (page.ContinuationToken is null)
            {
                yield break;
            }

            request = request with { ContinuationToken = page.ContinuationToken };
        }
    }

    /// <summary>Removes a dead letter: what it tells of is not to be done any more.</summary>
    /// <param name="deadLetterId">Its <see cref="ErrorRecord.Id"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ArgumentException">The id is blank or not well-formed.</exception>
    public ValueTask<bool> DeleteDeadLetterAsync(string deadLetterId, CancellationToken cancellationToken = default) =>
        _state.DeleteDeadLetterAsync(deadLetterId, cancellationToken);

    /// <summary>Removes all dead letters.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many there were.</returns>
    public ValueTask<int> ClearDeadLetterQueueAsync(CancellationToken cancellationToken = default) => _state.ClearDeadLettersAsync(cancellationToken);

    /// <summary>
    /// Keeps a dead letter. A store that cannot be written now is asked again for a while: repeating it is safe. When it cannot be kept at all, the
    /// log has what it says, and the task ends with its own error.
    /// </summary>
    private async ValueTask<bool> TryKeepAsync(ErrorRecord record, CancellationToken cancellationToken, CancellationToken patience)
    {
        try
        {
            return await StoreRepetition.AskAsync(
                _environment.TimeProvider,
                _logger,
                record,
                letter => SaveAsync(letter, cancellationToken),
                static letter => $"dead letter '{letter.Id}' was to be kept.",
                (letter, failure, delay) => Log.KeepingRetried(_logger, failure, letter.Id, delay),
                patience).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever it is, it must not take the place of the task's own error.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.DeadLetterLost(_logger, exception, record.Task?.Id, record.Code, record.Message);
            return false;
        }
    }

    private async ValueTask<bool> SaveAsync(ErrorRecord letter, CancellationToken cancellationToken)
    {
        try
        {
            await _state.SaveDeadLetterAsync(letter, cancellationToken).ConfigureAwait(false);
        }
        catch (TaskValidationException exception) when (letter.Task is { Input.IsEmpty: false } task)
        {
            if (letter.ReplayOf is { } replayed && await _state.GetDeadLetterAsync(replayed, cancellationToken).ConfigureAwait(false) is not null)
            {
                // It would take the place of one that has an input.
                Log.ReplayedStays(_logger, exception, replayed, task.Id, letter.Code, letter.Message);
                return false;
            }

            // Its input cannot be written down: better a letter without than none.
            Log.InputNotKept(_logger, exception, letter.Id, task.Id);
            await _state.SaveDeadLetterAsync(letter with { Task = task with { Input = TaskData.Empty } }, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }
}
