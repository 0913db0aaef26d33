using Conductor.Threading;

namespace Conductor.State;

/// <summary>For what must be kept, and is kept by nobody else: a store that cannot do it now is asked again for a while.</summary>
internal static class StoreRepetition
{
    /// <summary>Asks a store for half a minute, or until somebody is in a hurry: then once more.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="argument">What <paramref name="ask"/> is given.</param>
    /// <param name="ask">What is asked. That it is done twice must be safe: what fails may have been done.</param>
    /// <param name="later">Told of a failure that passes, and how long it is until the next time.</param>
    /// <param name="hurry">Cancelled when there is no time for more.</param>
    /// <param name="failure">What it has failed with already. Default: it was not asked yet.</param>
    /// <exception cref="StateException">What the store said last; at once when it is of no use to ask again.</exception>
    public static async ValueTask<T> AskAsync<TArgument, T>(
        TimeProvider time,
        TArgument argument,
        Func<TArgument, ValueTask<T>> ask,
        Action<TArgument, StateException, TimeSpan> later,
        CancellationToken hurry,
        StateException? failure = null)
    {
        var repetition = Repetition.ForAWhile(time);
        while (true)
        {
            if (failure is not null)
            {
                var delay = repetition.NextDelay();
                later(argument, failure, delay);
                await ((Task)Task.Delay(delay, time, hurry)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            var isLast = hurry.IsCancellationRequested || repetition.IsOver;
            try
            {
                return await ask(argument).ConfigureAwait(false);
            }
            catch (StateException exception) when (exception.IsTransient == true && !isLast)
            {
                failure = exception;
            }
        }
    }
}
