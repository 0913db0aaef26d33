using System.Runtime.CompilerServices;
using Conductor.Agents;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>Effects that are written with the store's own transaction.</summary>
public static partial class SqliteTaskContextExtensions
{
    /// <summary>
    /// Runs an effect on this database exactly once for this task: what it writes through the connection and the record that it is done are one
    /// transaction, committed together or not at all. Every later attempt and delivery gets the recorded value instead of running it again.
    /// </summary>
    /// <remarks>
    /// The effect runs on the writer's thread and holds the file's write lock: it has to be quick. It must not begin, commit or roll back a
    /// transaction, must dispose of every reader that it opens, and must do nothing outside this database: when its transaction is rolled back (it throws,
    /// the disk is full, the process dies), nothing of it remains, and it may be run again. What it asks the store itself to save is refused with an
    /// <see cref="InvalidOperationException"/>: the store would wait for the effect, and an effect that waits for the store for ever.
    /// </remarks>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect; the connection is inside the store's transaction.</param>
    /// <param name="cancellationToken">Gives up, as long as it has not begun.</param>
    /// <returns>The recorded value.</returns>
    /// <exception cref="InvalidOperationException">
    /// The store is another one, or the effect is asynchronous, ended the transaction, or left a reader open.
    /// </exception>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    /// <exception cref="TaskValidationException">The value cannot be written down, or one of another type is recorded under this key.</exception>
    /// <exception cref="StateException">LEASE_LOST: the run belongs to another process by now, or is gone. The effect did not run.</exception>
    public static async ValueTask<T> OnceAsync<T>(
        this TaskContext task, string key, Func<SqliteConnection, T> effect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        ArgumentNullException.ThrowIfNull(effect);
        var store = task.Effects as SqliteEffectStore ?? throw new InvalidOperationException(
            $"Task '{task.Task.Id}' does not run on an SQLite store, whose transaction its effect '{key}' could join. Add UseSqlite(\"Data " +
                "Source=…\") after AddConductor().");
        var value = await store.RunAsync(task.EffectKey(key), effect, cancellationToken).ConfigureAwait(false);

        // Nothing is null where that is a T, and no T where it is not.
        return value.IsEmpty && default(T) is null && value is not T ? default! : value.Get<T>();
    }

    /// <summary>The same for an effect without a value: that it was done is recorded.</summary>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">The effect; the connection is inside the store's transaction.</param>
    /// <param name="cancellationToken">Gives up, as long as it has not begun.</param>
    /// <exception cref="InvalidOperationException">
    /// The store is another one, or the effect is asynchronous, ended the transaction, or left a reader open.
    /// </exception>
    /// <exception cref="ArgumentException">The key is blank or not well-formed.</exception>
    public static async ValueTask OnceAsync(
        this TaskContext task, string key, Action<SqliteConnection> effect, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(effect);
        if (effect.Method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false))
        {
            // An async void: nobody could tell when it has ended.
            throw SqliteEffectStore.Asynchronous(task.EffectKey(key));
        }

        await task.OnceAsync(
            key,
            connection =>
            {
                effect(connection);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }
}
