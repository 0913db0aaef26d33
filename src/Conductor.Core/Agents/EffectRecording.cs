using Conductor.State;

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
    public static ValueTask<TaskData> RecordAsync(
        TaskContext task, EffectStore effects, EffectKey key, TaskData value, CancellationToken cancellationToken) => StoreRepetition.AskAsync(
            task.TimeProvider,
            task.Logger,
            (Task: task, Effects: effects, Key: key, Value: value),
            static effect => effect.Effects.RecordAsync(effect.Key, effect.Value, CancellationToken.None),
            static effect => $"what effect '{effect.Key.Name}' of task '{effect.Task.Task.Id}' gave was to be recorded: it may be, or the effect runs again.",
            static (effect, failure, delay) => Log.EffectRecordedLater(effect.Task.Logger, failure, effect.Key.Name, effect.Task.Task.Id, delay),
            cancellationToken);
}
