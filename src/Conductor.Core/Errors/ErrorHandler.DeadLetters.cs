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
        var request = new PageRequest { Size = PageRequest.MaxSize };
        while (true)
        {
            var page = await _state.ListDeadLettersAsync(request, cancellationToken).ConfigureAwait(false);
            all.AddRange(page.Items);
            if (page.ContinuationToken is null)
            {
                return all;
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
}
