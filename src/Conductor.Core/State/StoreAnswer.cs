using Conductor.Threading;

namespace Conductor.State;

/// <summary>Waiting for a store that may leave a call without an answer, and work but for that.</summary>
internal static class StoreAnswer
{
    /// <summary>Waits for an answer up to a limit. One that comes later is heard: a failure is told.</summary>
    /// <typeparam name="T">What the store answers.</typeparam>
    /// <param name="answer">The answer; nearly always it is there.</param>
    /// <param name="patience">The limit.</param>
    /// <param name="time">The clock.</param>
    /// <param name="unanswered">What the error says when there is none: what it was asked for, and what may be done.</param>
    /// <param name="key">What it was asked about; null for nothing single.</param>
    /// <param name="failedLate">Is told what the store says instead of an answer when nobody waits for it any more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StateException">STATE_UNAVAILABLE, transient: it has not answered by then.</exception>
    public static ValueTask<T> InTimeAsync<T>(
        this ValueTask<T> answer,
        TimeSpan patience,
        TimeProvider time,
        string unanswered,
        string? key,
        Action<Exception> failedLate,
        CancellationToken cancellationToken) =>
        answer.IsCompleted ? answer : InTimeAsync(answer.AsTask(), patience, time, unanswered, key, failedLate, cancellationToken);

    private static async ValueTask<T> InTimeAsync<T>(
        Task<T> answer,
        TimeSpan patience,
        TimeProvider time,
        string unanswered,
        string? key,
        Action<Exception> failedLate,
        CancellationToken cancellationToken)
    {
        try
        {
            return await answer.WaitHeardAsync(patience, time, failedLate, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            if (answer.IsCompleted)
            {
                // It came at this moment, or is the store's own.
                return await answer.ConfigureAwait(false);
            }

            throw new StateException(ErrorCodes.StateUnavailable, $"The store did not answer for {patience} when {unanswered}")
            {
                Key = key,
                IsTransient = true,
            };
        }
    }
}
