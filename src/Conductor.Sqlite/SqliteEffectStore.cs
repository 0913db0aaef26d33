using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>
/// Effects in the database, forgotten with the run or the task they belong to. What is recorded under a lease is checked for it in the same
/// transaction: an owner that was paused for so long that another has the run, or that it is gone, records nothing. Thread-safe.
/// </summary>
internal sealed class SqliteEffectStore(
    SqliteStateManager store, SqliteCodec codec, SqliteRetention retention, TimeProvider time, bool ignoreFences) : EffectStore
{
    private const string Find = $"""
        SELECT record FROM conductor_effects WHERE scope = $1 AND idempotency_key = $2 AND name = $3 AND NOT {SqliteEffectRetention.IsOfAgedResult}
        """;

    private const string Insert = """
        INSERT INTO conductor_effects (scope, idempotency_key, name, saved_at, record, task_id) SELECT $1, $2, $3, $4, $5, $6
        WHERE $7 IS NULL OR EXISTS (SELECT 1 FROM conductor_leases WHERE name = $7 AND fence = $8 AND nonce = $9 AND released = 0)
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Runs an effect inside the store's transaction and records its value with it, unless a value is recorded.</summary>
    public async ValueTask<TaskData> RunAsync<T>(EffectKey key, Func<SqliteConnection, T> effect, CancellationToken cancellationToken)
    {
        if (IsAwaitable(typeof(T)))
        {
            throw Asynchronous(key);
        }

        return await store.WriteAsync(
            session =>
            {
                if (Recorded(session, key) is { } known)
                {
                    return known;
                }

                if (FenceOf(key) is { } lease && !SqliteLeaseStore.IsHeld(session, lease))
                {
                    throw SqliteStateManager.LeaseLostOf(lease);
                }

                T given;
                try
                {
                    given = effect(session.Connection);
                }
                finally
                {
                    session.TakeBackSettings();
                }

                if (given is not null && IsAwaitable(given.GetType()))
                {
                    // Said to be an object, or dynamic. What it wrote so far is rolled back.
                    throw Asynchronous(key);
                }

                if (session.IsAtRest)
                {
                    throw EndedTheTransaction(key);
                }

                // A value that is made as it is read ends what it reads from by then.
                var value = TaskData.From(given);
                var record = codec.Encode(value);
                if (session.EndWhatWasLeft())
                {
                    throw LeftOpen(key);
                }

                TryInsert(session, key, record);
                return value;
            },
            cancellationToken,
            runsAlone: true).ConfigureAwait(false);
    }

    /// <summary>Refuses an effect that goes on after its delegate has returned, which is when the transaction ends.</summary>
    public static InvalidOperationException Asynchronous(EffectKey key) => new(
        $"The effect '{key.Name}' of '{key.IdempotencyKey}' is asynchronous, and its transaction ends when its delegate returns: nothing was " +
            "recorded. Use the connection synchronously, " +
        "or await what is outside this database in an OnceAsync whose delegate takes a CancellationToken.");

    private static InvalidOperationException EndedTheTransaction(EffectKey key) => new(
        $"The effect '{key.Name}' of '{key.IdempotencyKey}' ended the transaction of the store, which is not its own: what it wrote may be committed, or " +
            "rolled back, and that it is done is not recorded, so that it runs again. Leave COMMIT and ROLLBACK to the store, which commits when the " +
            "delegate returns, and rolls back when it throws.");

    private static InvalidOperationException LeftOpen(EffectKey key) => new(
        $"The effect '{key.Name}' of '{key.IdempotencyKey}' left a reader (or a blob) open on the connection of the store, which cannot commit as long as it " +
            "runs: what the effect wrote is rolled back, and nothing was recorded. Dispose of each SqliteDataReader before the delegate returns: " +
            "'using var reader = command.ExecuteReader();'.");

    protected override async ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken) =>
        await store.ReadAsync(session => Recorded(session, key), cancellationToken).ConfigureAwait(false);

    protected override async ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken)
    {
        var record = codec.Encode(value);
        var known = await store.WriteAsync(
            session => TryInsert(session, key, record) ? null : Recorded(session, key) ?? throw SqliteStateManager.LeaseLostOf(key.Lease!),
            cancellationToken).ConfigureAwait(false);
        return known ?? value;
    }

    /// <returns>False when a value is recorded, or the lease is lost.</returns>
    private bool TryInsert(SqliteSession session, EffectKey key, byte[] record)
    {
        var (lease, now) = (FenceOf(key), time.GetUtcNow());
        return TryInsertNew() || (SqliteEffectRetention.TryMakeRoom(session, key, retention.Oldest(now)) && TryInsertNew());

        bool TryInsertNew() => session.Execute(
            Insert, key.Scope, key.IdempotencyKey, key.Name, now.UtcTicks, record, key.TaskId, lease?.Name, lease?.Fence, lease?.Nonce) > 0;
    }

    private Lease? FenceOf(EffectKey key) => ignoreFences ? null : key.Lease;

    private TaskData? Recorded(SqliteSession session, EffectKey key) =>
        session.Record(Find, key.Scope, key.IdempotencyKey, key.Name, retention.Oldest(time.GetUtcNow())) is { } record
            ? codec.Decode<TaskData>(record, $"effect:{key.IdempotencyKey}:{key.Name}")
            : null;

    private static bool IsAwaitable(Type type) =>
        typeof(Task).IsAssignableFrom(type) || type == typeof(ValueTask) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));
}
