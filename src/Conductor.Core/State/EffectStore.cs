namespace Conductor.State;

/// <summary>The recorded values of effects: at most one per key. Handed out by a <see cref="StateManager"/>; thread-safe.</summary>
public abstract class EffectStore
{
    /// <summary>The recorded value of an effect.</summary>
    /// <param name="key">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The value, or null when none is recorded.</returns>
    public ValueTask<TaskData?> GetAsync(EffectKey key, CancellationToken cancellationToken = default)
    {
        Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        return GetCoreAsync(key, cancellationToken);
    }

    /// <summary>Records a value, unless one is recorded.</summary>
    /// <param name="key">The effect.</param>
    /// <param name="value">The value.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The recorded value: this one, or the one that was there before.</returns>
    /// <exception cref="StateException">LEASE_LOST: the lease of the key is no longer held, and nothing was recorded.</exception>
    public ValueTask<TaskData> RecordAsync(EffectKey key, TaskData value, CancellationToken cancellationToken = default)
    {
        Validate(key);
        ArgumentNullException.ThrowIfNull(value);
        cancellationToken.ThrowIfCancellationRequested();
        return RecordCoreAsync(key, value, cancellationToken);
    }

    /// <summary>The recorded value of an effect.</summary>
    /// <param name="key">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken);

    /// <summary>Records a value, unless one is recorded. Throws LEASE_LOST and records nothing when the lease of the key is no longer held.</summary>
    /// <param name="key">The effect.</param>
    /// <param name="value">The value.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken);

    private static void Validate(EffectKey key)
    {
        IdText.ThrowIfInvalid(key.Scope, nameof(key));
        IdText.ThrowIfInvalid(key.IdempotencyKey, nameof(key));
        IdText.ThrowIfInvalid(key.Name, nameof(key));
        if (key.TaskId is { } taskId)
        {
            IdText.ThrowIfInvalid(taskId, nameof(key));
        }
    }
}
