using System.Globalization;
using Conductor.Sqlite.Records;

namespace Conductor.Sqlite;

/// <content>Task results and dead letters.</content>
public sealed partial class SqliteStateManager
{
    /// <inheritdoc />
    protected override async ValueTask<RecordOutcome> SaveTaskResultCoreAsync(TaskResult result, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(result);
        var record = _codec.Encode(result);
        var now = Environment.TimeProvider.GetUtcNow().UtcTicks;
        if (result.WorkflowId is not null)
        {
            return await WriteAsync(session => _workflowWrites.Record(session, result, record, now), cancellationToken).ConfigureAwait(false);
        }

        var isFirst = await WriteAsync(session => _retention.TryRecord(session, result.TaskId, now, record), cancellationToken).ConfigureAwait(false);
        NoteFinished();
        return isFirst ? RecordOutcome.Recorded : RecordOutcome.AlreadyRecorded;
    }

    /// <inheritdoc />
    protected override async ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken) =>
        await ReadAsync(session => _workflowReads.Result(session, key), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<bool> SaveDeadLetterCoreAsync(ErrorRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(record);
        var encoded = _codec.Encode(record);
        var execution = ExecutionOf(record);
        var (scope, key) = (execution?.Scope, execution?.IdempotencyKey);
        var (isNew, evicted) = await WriteAsync(
            session =>
            {
                if (session.Execute(
                    "UPDATE conductor_dead_letters SET record = $2, effect_scope = $3, idempotency_key = $4 WHERE id = $1", record.Id, encoded, scope, key) > 0)
                {
                    return (false, []);
                }

                session.Execute(
                    "INSERT INTO conductor_dead_letters (id, record, effect_scope, idempotency_key) VALUES ($1, $2, $3, $4)", record.Id, encoded, scope, key);
                return (true, _retention.EvictDeadLetters(session, record.ReplayOf == record.Id ? null : record.ReplayOf));
            },
            cancellationToken).ConfigureAwait(false);
        foreach (var id in evicted)
        {
            Log.DeadLetterEvicted(Logger, id, _retention.MaxDeadLetters);
        }

        return isNew;
    }

    /// <inheritdoc />
    protected override async ValueTask<ErrorRecord?> GetDeadLetterCoreAsync(string id, CancellationToken cancellationToken) => await ReadAsync(
        session => session.Record("SELECT record FROM conductor_dead_letters WHERE id = $1", id) is { } record ? Letter(record, id) : null,
        cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<Page<ErrorRecord>> ListDeadLettersCoreAsync(PageRequest page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        var after = 0L;
        if (page.ContinuationToken is { } token && !long.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            throw page.UnreadableToken();
        }

        return await ReadAsync(
            session =>
            {
                var items = new List<(long Number, ErrorRecord Letter)>();
                using var rows = session.Query(
                    "SELECT number, id, record FROM conductor_dead_letters WHERE number > $1 ORDER BY number LIMIT $2", after, (long)page.Size + 1);
                while (rows.Read())
                {
                    items.Add((rows.GetInt64(0), Letter(rows.GetFieldValue<byte[]>(2), rows.GetString(1))));
                }

                return Paging.ToPage(items, page.Size, static item => item.Number.ToString(CultureInfo.InvariantCulture), static item => item.Letter);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    protected override async ValueTask<bool> DeleteDeadLetterCoreAsync(string id, CancellationToken cancellationToken) => await WriteAsync(
        session => SqliteRetention.DeleteDeadLetter(session, id), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    protected override async ValueTask<int> ClearDeadLettersCoreAsync(CancellationToken cancellationToken) => await WriteAsync(
        static session =>
        {
            SqliteEffectRetention.ForgetLetters(session);
            return session.Execute("DELETE FROM conductor_dead_letters");
        },
        cancellationToken).ConfigureAwait(false);

    private ErrorRecord Letter(byte[] record, string id)
    {
        var letter = _codec.Decode<ErrorRecord>(record, $"dead_letter:{id}");
        return letter.Id == id ? letter : throw Paging.Mismatch($"dead_letter:{id}");
    }
}
