using Conductor.Serialization;
using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite;

/// <summary>Effects in the database, forgotten with the run or the task they belong to. Thread-safe.</summary>
internal sealed class SqliteEffectStore(SqliteStateManager store, RecordCodec codec, TimeProvider time) : EffectStore
{
    private const string Find = "SELECT record FROM conductor_effects WHERE scope = $1 AND idempotency_key = $2 AND name = $3";
    private const string Insert =
        "INSERT INTO conductor_effects (scope, idempotency_key, name, saved_at, record) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

    /// <summary>Runs an effect inside the store's transaction and records its value with it, unless a value is recorded.</summary>
    public async ValueTask<TaskData> RunAsync<T>(EffectKey key, Func<SqliteConnection, T> effect, CancellationToken cancellationToken) => await store.WriteAsync(
        session =>
        {
            if (Recorded(session, key) is { } known)
            {
                return known;
            }

            var value = TaskData.From(effect(session.Connection));
            session.Execute(Insert, key.Scope, key.IdempotencyKey, key.Name, time.GetUtcNow().UtcTicks, codec.Encode(value));
            return value;
        },
        cancellationToken,
        runsAlone: true).ConfigureAwait(false);

    protected override async ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken) =>
        await store.ReadAsync(session => Recorded(session, key), cancellationToken).ConfigureAwait(false);

    protected override async ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken)
    {
        var record = codec.Encode(value);
        var known = await store.WriteAsync(
            session => session.Execute(Insert, key.Scope, key.IdempotencyKey, key.Name, time.GetUtcNow().UtcTicks, record) > 0 ? null : Recorded(session, key),
            cancellationToken).ConfigureAwait(false);
        return known ?? value;
    }

    private TaskData? Recorded(SqliteSession session, EffectKey key) =>
        session.Record(Find, key.Scope, key.IdempotencyKey, key.Name) is { } record ? codec.Decode<TaskData>(record, $"effect:{key.IdempotencyKey}:{key.Name}") : null;
}
