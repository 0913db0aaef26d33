using Conductor.Threading;
using Microsoft.Extensions.Logging;

namespace Conductor.State;

/// <summary>For what must be kept, and is kept by nobody else: a store that cannot do it now is asked again for a while.</summary>
internal static class StoreRepetition
{
    /// <summary>An answer that has not come by then counts as a failure that passes: what was asked for may have been done, or not.</summary>
    public static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Asks a store for half a minute, or until somebody is in a hurry: then once more. It may take as long for an answer; where somebody is in a hurry, five
    /// seconds more, and then it is not asked again.
    /// </summary>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where it is said how it failed when nobody waited any more.</param>
    /// <param name="argument">What <paramref name="ask"/> is given.</param>
    /// <param name="ask">What is asked. That it is done twice must be safe: what fails may have been done.</param>
    /// <param name="wish">What it was asked for, and what may be done, for the error when there is no answer: it goes on after "when".</param>
    /// <param name="later">Told of a failure that passes, and how long it is until the next time.</param>
    /// <param name="hurry">Cancelled when there is no time for more.</param>
    /// <param name="first">What it was asked already, and was waited for; one more time is free. Default: it was not asked yet.</param>
    /// <exception cref="StateException">What the store said last; at once when it is of no use to ask again. STATE_UNAVAILABLE: it did not answer.</exception>
    public static async ValueTask<T> AskAsync<TArgument, T>(
        TimeProvider time,
        ILogger logger,
        TArgument argument,
        Func<TArgument, ValueTask<T>> ask,
        Func<TArgument, string> wish,
        Action<TArgument, StateException, TimeSpan> later,
        CancellationToken hurry,
        Task<T>? first = null)
    {
        var repetition = Repetition.ForAWhile(time);
        while (true)
        {
            var isLast = first is null && (hurry.IsCancellationRequested || repetition.IsOver);
            StateException failure;
            try
            {
                var limit = first is null ? LongestAnswer : TimeSpan.Zero;
                var answer = first ?? ask(argument).AsTask();
                first = null;
                if (answer.IsCompleted || await IsAnsweredAsync(answer, limit, time, hurry).ConfigureAwait(false))
                {
                    return await answer.ConfigureAwait(false);
                }

                var said = wish(argument);
                answer.HearFailure(exception => Log.FailedLate(logger, exception, said));
                isLast |= hurry.IsCancellationRequested;
                failure = new StateException(ErrorCodes.StateUnavailable, $"The store did not answer in time when {said}") { IsTransient = true };
            }
            catch (StateException exception) when (exception.IsTransient == true && !isLast)
            {
                failure = exception;
            }

            if (isLast)
            {
                throw failure;
            }

            var delay = repetition.NextDelay();
            later(argument, failure, delay);
            await Task.Delay(delay, time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async ValueTask<bool> IsAnsweredAsync(Task answer, TimeSpan limit, TimeProvider time, CancellationToken hurry)
    {
        await answer.WaitAsync(limit, time, hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!answer.IsCompleted)
        {
            // Somebody is in a hurry, or the process was paused: it may answer yet.
            await answer.WaitAsync(LateFailure.NoticePatience, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return answer.IsCompleted;
    }
}
