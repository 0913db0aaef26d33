using System.Runtime.CompilerServices;
using Conductor.State;

namespace Conductor.Agents;

/// <content>Effects that are recorded once.</content>
public sealed partial class TaskContext
{
    private HeldLease? Lease => _mailbox?.LeaseOf(this);

    /// <summary>The key under which an effect of this task is recorded: the same for every attempt and delivery.</summary>
    /// <param name="name">The effect's name within the task.</param>
    /// <exception cref="StateException">LEASE_LOST: the attempt, of a task of a run, is over, and with it the right to record for the run.</exception>
    public EffectKey EffectKey(string name)
    {
        IdText.ThrowIfInvalid(name);
        var key = new EffectKey(WorkflowId ?? IdempotencyKey, IdempotencyKey, name)
        {
            TaskId = WorkflowId is null ? Task.Id : null,
            Lease = Lease?.Current,
        };

        // (Looked at after the lease, which goes with the attempt.)
        return WorkflowId is null || _mailbox is null || _extras is not { HasEnded: true } ? key : throw new StateException(
            ErrorCodes.LeaseLost,
            $"Task '{Task.Id}' of run '{WorkflowId}' is over, and effect '{name}' of it is not recorded any more. Await in RunAsync what has effects.");
    }

    /// <summary>
    /// Runs an effect once for this task: its value is recorded, and every later attempt gets the recorded value instead of running it
    /// again. The effect itself runs at least once (a crash between it and the record repeats it, as does a store that does not take the record for
    /// half a minute, and several calls for one key at once may all run it); its recorded value is one.
    /// </summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The recorded value.</returns>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">The store cannot write the value down, or one of another type is recorded under this key.</exception>
    /// <exception cref="StateException">
    /// The store could not be asked, or, for half a minute, not be written; or LEASE_LOST: the run belongs to another process by now, or is gone,
    /// the effect ran, and nothing was recorded.
    /// </exception>
    [OverloadResolutionPriority(1)]
    public ValueTask<T> OnceAsync<T>(string key, Func<CancellationToken, Task<T>> effect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(effect);
        return OnceAsync(key, token => new ValueTask<T>(effect(token) ?? throw GaveNoTask(key)), cancellationToken);
    }

    /// <summary>The same for an effect that gives a <see cref="ValueTask{TResult}"/>.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The recorded value.</returns>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">The store cannot write the value down, or one of another type is recorded under this key.</exception>
    /// <exception cref="StateException">
    /// The store could not be asked, or, for half a minute, not be written; or LEASE_LOST: the run belongs to another process by now, or is gone,
    /// the effect ran, and nothing was recorded.
    /// </exception>
    public async ValueTask<T> OnceAsync<T>(string key, Func<CancellationToken, ValueTask<T>> effect, CancellationToken cancellationToken = default)
    {
        IdText.ThrowIfInvalid(key);
        ArgumentNullException.ThrowIfNull(effect);
        if (Host.State is not { } state)
        {
            return await effect(cancellationToken).ConfigureAwait(false);
        }

        var effectKey = EffectKey(key);
        var recorded = await state.Effects.GetAsync(effectKey, cancellationToken).ConfigureAwait(false)
            ?? await EffectRecording.RecordAsync(
                this, state.Effects, effectKey, TaskData.From(await effect(cancellationToken).ConfigureAwait(false)), cancellationToken).ConfigureAwait(false);
        return recorded.GetOrNull<T>();
    }

    /// <summary>The same for an effect without a value: that it was done is recorded.</summary>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">The effect of another form with a value of another type is recorded under this key.</exception>
    /// <exception cref="StateException">
    /// The store could not be asked, or, for half a minute, not be written; or LEASE_LOST: the run belongs to another process by now, or is gone,
    /// the effect ran, and nothing was recorded.
    /// </exception>
    public async ValueTask OnceAsync(string key, Func<CancellationToken, Task> effect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(effect);
        await OnceAsync(
            key,
            async ValueTask<bool> (token) =>
            {
                await (effect(token) ?? throw GaveNoTask(key)).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for an effect without a value that gives a <see cref="ValueTask"/>.</summary>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">The effect of another form with a value of another type is recorded under this key.</exception>
    /// <exception cref="StateException">
    /// The store could not be asked, or, for half a minute, not be written; or LEASE_LOST: the run belongs to another process by now, or is gone,
    /// the effect ran, and nothing was recorded.
    /// </exception>
    [OverloadResolutionPriority(-1)]
    public ValueTask OnceAsync(string key, Func<CancellationToken, ValueTask> effect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(effect);
        return OnceAsync(key, token => effect(token).AsTask(), cancellationToken);
    }

    private InvalidOperationException GaveNoTask(string key) =>
        new($"The effect '{key}' of task '{Task.Id}' gave null instead of a Task. Let it give one, which an async delegate does by itself.");
}
