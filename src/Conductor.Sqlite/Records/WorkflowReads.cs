using System.Globalization;
using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Records;

/// <summary>Reads runs, on a reader inside its transaction: all of it sees one state. What does not fit together is STATE_CORRUPT, never other data.</summary>
internal sealed class WorkflowReads(SqliteCodec codec, SqliteRetention retention)
{
    private const string SummaryColumns = "seq, version, result_count, detail_count, summary, last_position, latest_count, status, completed_at";

    public WorkflowState? State(SqliteSession session, string id)
    {
        if (Find(session, id) is not { } run)
        {
            return null;
        }

        var key = StateManager.WorkflowKey(id);
        if (session.Number("SELECT count(*) FROM conductor_results WHERE workflow_seq = $1", run.Seq) != run.ResultCount)
        {
            throw Paging.Mismatch(key);
        }

        var details = Details(session, run, key);
        return run.Summary.ToState(
            Of<PhaseRecord>(details, DetailKind.Phase, key),
            Results(session, run),
            Of<FeedbackRound>(details, DetailKind.FeedbackRound, key),
            Of<WorkflowLogEntry>(details, DetailKind.LogEntry, key),
            Of<string>(details, DetailKind.Agent, key),
            Of<TaskRedelivery>(details, DetailKind.Redelivery, key));
    }

    public WorkflowDefinition? Definition(SqliteSession session, string id)
    {
        var (record, endedAt) = Dated(
            session, "SELECT d.record, w.completed_at FROM conductor_workflows w JOIN conductor_definitions d ON d.workflow_seq = w.seq WHERE w.id = $1", id);
        return record is null || retention.IsTooOld(session, id, endedAt) ? null : codec.Decode<WorkflowDefinition>(record, StateManager.WorkflowKey(id));
    }

    public TaskResult? Result(SqliteSession session, ExecutionKey key)
    {
        if (key.WorkflowId is not { } run)
        {
            var (alone, savedAt) = Dated(session, "SELECT record, saved_at FROM conductor_task_results WHERE task_id = $1", key.TaskId);
            return alone is null || retention.IsTooOld(savedAt.GetValueOrDefault()) ? null : Decode(alone, key);
        }

        var (record, endedAt) = Dated(
            session,
            """
            SELECT r.record, w.completed_at FROM conductor_workflows w JOIN conductor_results r ON r.workflow_seq = w.seq
            WHERE w.id = $1 AND r.task_id = $2 AND r.round = $3
            UNION ALL
            SELECT record, saved_at FROM conductor_early_results WHERE workflow_id = $1 AND task_id = $2 AND round = $3
            """,
            run,
            key.TaskId,
            (long)key.Round);
        return record is null || retention.IsTooOld(session, run, endedAt) ? null : Decode(record, key);
    }

    public bool IsCancellationRequested(SqliteSession session, string id)
    {
        var (isRequested, endedAt) = session.Pairs<long, long?>("SELECT cancel_requested, completed_at FROM conductor_workflows WHERE id = $1", id)
            .FirstOrDefault();
        return isRequested != 0 && !retention.IsTooOld(session, id, endedAt);
    }

    /// <summary>A page of runs.</summary>
    /// <param name="session">Where they are read.</param>
    /// <param name="query">Which.</param>
    /// <param name="after">The <see cref="Position"/> of the page's token.</param>
    /// <param name="now">The time by which they are too old.</param>
    public Page<WorkflowSummary> List(SqliteSession session, WorkflowQuery query, (long? StartedAt, string? Id) after, DateTimeOffset now)
    {
        var items = new List<WorkflowSummary>();
        using var rows = session.Query(
            $"""
            SELECT {SummaryColumns}, id FROM conductor_workflows
            WHERE (completed_at IS NULL OR completed_at >= $8
                    OR EXISTS (SELECT 1 FROM conductor_leases WHERE name = 'workflow:' || id AND released = 0 AND expires_at > $9))
                AND ($1 IS NULL OR status = $1) AND ($2 IS NULL OR definition_name = $2)
                AND ($3 IS NULL OR started_at < $3) AND ($4 IS NULL OR started_at >= $4)
                AND ($5 IS NULL OR (started_at, id) < ($5, $6))
            ORDER BY started_at DESC, id DESC LIMIT $7
            """,
            (long?)query.Status,
            query.DefinitionName,
            query.StartedBefore?.UtcTicks,
            query.StartedSince?.UtcTicks,
            after.StartedAt,
            after.Id,
            (long)query.Page.Size + 1,
            retention.Oldest(now),
            now.UtcTicks);
        while (rows.Read())
        {
            items.Add(Run(rows, rows.GetString(9)).Summary);
        }

        return Paging.ToPage(
            items,
            query.Page.Size,
            static summary => string.Create(CultureInfo.InvariantCulture, $"{summary.StartedAt.UtcTicks}:{summary.WorkflowId}"),
            static summary => summary);
    }

    public static Page<UnfinishedWorkflow> Unfinished(SqliteSession session, PageRequest page, DateTimeOffset now)
    {
        var items = new List<UnfinishedWorkflow>();
        using var rows = session.Query(
            """
            SELECT w.id, l.name, l.owner, l.fence, l.nonce, l.renewal, l.expires_at, w.cancel_requested FROM conductor_workflows w
            LEFT JOIN conductor_leases l ON l.name = 'workflow:' || w.id AND l.released = 0
            WHERE w.completed_at IS NULL AND w.id > $1 ORDER BY w.id LIMIT $2
            """,
            page.ContinuationToken ?? string.Empty,
            (long)page.Size + 1);
        while (rows.Read())
        {
            var lease = rows.IsDBNull(1) ? null : SqliteLeaseStore.ReadListed(rows, 1);
            items.Add(new UnfinishedWorkflow
            {
                WorkflowId = rows.GetString(0),
                Lease = lease,
                IsHeld = lease?.ExpiresAt > now,
                IsCancellationRequested = rows.GetInt64(7) != 0,
            });
        }

        return Paging.ToPage(items, page.Size, static run => run.WorkflowId, static run => run);
    }

    public WorkflowHistory? History(SqliteSession session, string id, long afterPosition, int limit)
    {
        if (Find(session, id) is not { } run)
        {
            return null;
        }

        var key = StateManager.WorkflowKey(id);
        var events = new List<WorkflowEvent>();
        using (var rows = session.Query(
            "SELECT record, first_position, last_position FROM conductor_events WHERE workflow_seq = $1 AND last_position > $2 ORDER BY last_position",
            run.Seq,
            afterPosition))
        {
            while (events.Count < limit && rows.Read())
            {
                var batch = codec.Decode<WorkflowEvent[]>(rows.GetFieldValue<byte[]>(0), key);
                if (batch.Length == 0 || Array.Exists(batch, happening => happening?.WorkflowId != id)
                    || batch[0].Position != rows.GetInt64(1) || batch[^1].Position != rows.GetInt64(2))
                {
                    throw Paging.Mismatch(key);
                }

                events.AddRange(batch.Where(happening => happening.Position > afterPosition));
            }
        }

        var isCut = events.Count < limit && run.LastPosition > afterPosition && (events.Count == 0 || events[^1].Position != run.LastPosition);
        if (isCut || (events.Count > 0 && events[^1].Position > run.LastPosition))
        {
            throw Paging.Mismatch(key);
        }

        return new WorkflowHistory
        {
            Events = events.Count <= limit ? events : events.GetRange(0, limit),
            FirstPosition = session.Number("SELECT first_position FROM conductor_events WHERE workflow_seq = $1 ORDER BY last_position LIMIT 1", run.Seq),
            LastPosition = run.LastPosition,
            IsComplete = run.Summary.IsComplete,
        };
    }

    /// <summary>Where the page before ended.</summary>
    public static (long? StartedAt, string? Id) Position(PageRequest page)
    {
        if (page.ContinuationToken is not { } token)
        {
            return (null, null);
        }

        var at = token.IndexOf(':', StringComparison.Ordinal);
        return at > 0 && long.TryParse(token.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            ? (ticks, token[(at + 1)..])
            : throw page.UnreadableToken();
    }

    private StoredRun? Find(SqliteSession session, string id)
    {
        using var rows = session.Query($"SELECT {SummaryColumns} FROM conductor_workflows WHERE id = $1", id);
        return rows.Read() && !retention.IsTooOld(session, id, rows.IsDBNull(8) ? null : rows.GetInt64(8)) ? Run(rows, id) : null;
    }

    /// <summary>A record and the time that stands beside it. Something else in its place is damage, not nothing.</summary>
    private static (byte[]? Record, long? At) Dated(SqliteSession session, string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = session.Query(sql, values);
        return !rows.Read() ? default
            : rows.GetValue(0) is byte[] record ? (record, rows.IsDBNull(1) ? null : rows.GetInt64(1))
            : throw new InvalidCastException($"a record is stored as {rows.GetFieldType(0).Name}");
    }

    private StoredRun Run(Microsoft.Data.Sqlite.SqliteDataReader row, string id)
    {
        var key = StateManager.WorkflowKey(id);
        var summary = codec.Decode<WorkflowSummary>(row.GetFieldValue<byte[]>(4), key);
        var fits = summary.WorkflowId == id && summary.StoreVersion == row.GetInt64(1)
            && (long)summary.Status == row.GetInt64(7) && summary.IsComplete == !row.IsDBNull(8);
        return fits
            ? new StoredRun(row.GetInt64(0), row.GetInt64(2), row.GetInt64(6), row.GetInt64(3), row.GetInt64(5), summary)
            : throw Paging.Mismatch(key);
    }

    private Dictionary<string, TaskResult> Results(SqliteSession session, StoredRun run)
    {
        var results = new Dictionary<string, TaskResult>(StringComparer.Ordinal);
        using var rows = session.Query(
            "SELECT task_id, round, record FROM conductor_results WHERE workflow_seq = $1 AND is_latest = 1 ORDER BY id", run.Seq);
        while (rows.Read())
        {
            var key = new ExecutionKey(run.Summary.WorkflowId, rows.GetString(0), rows.GetInt32(1));
            results[key.TaskId] = Decode(rows.GetFieldValue<byte[]>(2), key);
        }

        return results.Count == run.LatestCount ? results : throw Paging.Mismatch(StateManager.WorkflowKey(run.Summary.WorkflowId));
    }

    private TaskResult Decode(byte[] record, ExecutionKey key)
    {
        var result = codec.Decode<TaskResult>(record, key.StoreKey);

        // One saved by hand need not name the run that it is kept with.
        var isOfRun = result.WorkflowId == key.WorkflowId || result.WorkflowId is null;
        return isOfRun && result.TaskId == key.TaskId && (key.WorkflowId is null || result.Round == key.Round) ? result : throw Paging.Mismatch(key.StoreKey);
    }

    private static ILookup<DetailKind, byte[]> Details(SqliteSession session, StoredRun run, string key)
    {
        var details = new List<(DetailKind Kind, byte[] Record)>();
        var last = 0L;
        using var rows = session.Query(
            """
            SELECT d.kind, d.record, d.workflow_seq, d.id FROM conductor_details i CROSS JOIN conductor_details d ON d.id = i.id
            WHERE i.workflow_seq = $1 ORDER BY i.id
            """,
            run.Seq);
        while (rows.Read())
        {
            // The row itself says whose it is, too: the index may be damaged and point to a row of another run, or twice to one.
            if (rows.GetInt64(2) != run.Seq || rows.GetInt64(3) <= last)
            {
                throw Paging.Mismatch(key);
            }

            last = rows.GetInt64(3);
            details.Add(((DetailKind)rows.GetInt32(0), rows.GetFieldValue<byte[]>(1)));
        }

        return details.Count == run.DetailCount && details.TrueForAll(static detail => Enum.IsDefined(detail.Kind))
            ? details.ToLookup(static detail => detail.Kind, static detail => detail.Record)
            : throw Paging.Mismatch(key);
    }

    private List<T> Of<T>(ILookup<DetailKind, byte[]> details, DetailKind kind, string key) =>
        [.. details[kind].Select(record => codec.Decode<T>(record, key))];

    private sealed record StoredRun(long Seq, long ResultCount, long LatestCount, long DetailCount, long LastPosition, WorkflowSummary Summary);
}
