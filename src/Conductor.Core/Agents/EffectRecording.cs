using Conductor.State;
using Conductor.Threading;

namespace Conductor.Agents;

/// <summary>Records what an effect gave.</summary>
internal static class EffectRecording
{
    /// <summary>
    /// The effect has run: a store that cannot be written now is asked again, so that it does not run again for want of a record. For half a
    /// minute, or until the attempt is cancelled.
    /// </summary>
    /// <param name="task">The attempt.</param>
    /// <param name="effects">The store.</param>
    /// <param name="key">The effect.</param>
    /// <param name="value">What it gave.</param>
    /// <param name="cancellationToken">The attempt is cancelled.</param>
    /// <returns>The recorded value.</returns>
    public static async ValueTask<TaskData> RecordAsync(
        TaskContext task, EffectStore effects, EffectKey key, TaskData value, CancellationToken cancellationToken)
    {
        var repetition = Repetition.ForAWhile(task.TimeProvider);
        while (true)
        {
            TimeSpan delay;
            try
            {
                return await effects.RecordAsync(key, value, CancellationToken.None).ConfigureAwait(false);
            }
            catch (StateException exception) when (exception.IsTransient == true && !repetition.IsOver && !cancellationToken.IsCancellationRequested)
            {
                delay = repetition.NextDelay();
                Log.EffectRecordedLater(task.Logger, exception, key.Name, task.Task.Id, delay);
            }

            await ((Task)Task.Delay(delay, task.TimeProvider, cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
