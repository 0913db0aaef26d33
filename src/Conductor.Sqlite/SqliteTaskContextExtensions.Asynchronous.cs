using System.Runtime.CompilerServices;
using Conductor.Agents;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <content>
/// Asynchronous effects are refused where they are written. Without these overloads their task would be taken for their value: it is recorded, and the
/// transaction committed, before the effect has ended. Those of <see cref="Task"/> come first, because an async lambda can be either.
/// </content>
public static partial class SqliteTaskContextExtensions
{
    private const string Instead =
        "An effect inside the store's transaction cannot be asynchronous: the transaction ends when the delegate returns. Use the connection synchronously " +
        "(ExecuteNonQuery, ExecuteScalar, ExecuteReader), or await what is outside this database in an OnceAsync whose delegate takes a CancellationToken. " +
        "(A lambda that gives nothing but null says of which type: (string?)null.)";

    /// <summary>Not for asynchronous effects.</summary>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">An effect that cannot be used.</param>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>Nothing: it always throws.</returns>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [Obsolete(Instead, error: true)]
    [OverloadResolutionPriority(1)]
    public static ValueTask OnceAsync(
        this TaskContext task, string key, Func<SqliteConnection, Task> effect, CancellationToken cancellationToken = default) => throw Refused(task, key);

    /// <summary>Not for asynchronous effects.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">An effect that cannot be used.</param>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>Nothing: it always throws.</returns>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [Obsolete(Instead, error: true)]
    [OverloadResolutionPriority(1)]
    public static ValueTask<T> OnceAsync<T>(
        this TaskContext task, string key, Func<SqliteConnection, Task<T>> effect, CancellationToken cancellationToken = default) => throw Refused(task, key);

    /// <summary>Not for asynchronous effects.</summary>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">An effect that cannot be used.</param>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>Nothing: it always throws.</returns>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [Obsolete(Instead, error: true)]
    public static ValueTask OnceAsync(
        this TaskContext task, string key, Func<SqliteConnection, ValueTask> effect, CancellationToken cancellationToken = default) => throw Refused(task, key);

    /// <summary>Not for asynchronous effects.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="task">The task.</param>
    /// <param name="key">The effect's name within the task.</param>
    /// <param name="effect">An effect that cannot be used.</param>
    /// <param name="cancellationToken">Not used.</param>
    /// <returns>Nothing: it always throws.</returns>
    /// <exception cref="InvalidOperationException">Always.</exception>
    [Obsolete(Instead, error: true)]
    public static ValueTask<T> OnceAsync<T>(
        this TaskContext task, string key, Func<SqliteConnection, ValueTask<T>> effect,
        CancellationToken cancellationToken = default) => throw Refused(task, key);

    private static InvalidOperationException Refused(TaskContext task, string key) => SqliteEffectStore.Asynchronous(task.EffectKey(key));
}
