using Conductor.Sqlite.Database;
using Microsoft.Extensions.Logging;

namespace Conductor.Sqlite;

/// <summary>Removes what is not to be kept any more, in small steps on the writer's thread, and gives its space back to the disk.</summary>
internal sealed class SqliteRetention(RetentionOptions options, TimeProvider time, ILogger logger)
{
    private const int WorkflowsPerStep = 20;
    private const int RowsPerStep = 500;
    private const int BytesPerStep = 4_194_304;
    private const int LookEvery = 256;
    private const int PagesPerStep = 250;

    /// <summary>The parts of a run that there may be many of: how some are found, and how one is removed.</summary>
    private static readonly (string Find, string Remove)[] _parts =
    [
        ("SELECT id, length(record) FROM conductor_results WHERE workflow_seq = $1 LIMIT $2", "DELETE FROM conductor_results WHERE id = $1"),
        ("SELECT id, length(record) FROM conductor_details WHERE workflow_seq = $1 LIMIT $2", "DELETE FROM conductor_details WHERE id = $1"),
        ("SELECT id, length(record) FROM conductor_events WHERE workflow_seq = $1 LIMIT $2", "DELETE FROM conductor_events WHERE id = $1"),
    ];

    private int _finished;

    public int MaxDeadLetters => options.MaxDeadLetters;

    /// <summary>Counts what ended.</summary>
    /// <returns>True when it is time to look.</returns>
    public bool NoteFinished() => Interlocked.Increment(ref _finished) % LookEvery == 0;

    /// <summary>What was saved, or ended, before this is too old.</summary>
    public long Oldest(DateTimeOffset now) => Before(now, options.MaxAge);

    /// <summary>Whether a result outside workflows is too old to be read, though it was not removed yet.</summary>
    public bool IsTooOld(long savedAt) => savedAt < Oldest(time.GetUtcNow());

    /// <summary>
    /// Whether a run is too old to be read, though it was not removed yet. Like one that is to be removed, it is not while it is under a lease.
    /// </summary>
    public bool IsTooOld(SqliteSession session, string workflowId, long? completedAt)
    {
        if (completedAt is not { } ended)
        {
            return false;
        }

        var now = time.GetUtcNow();
        return ended < Oldest(now) && session.Scalar(
            "SELECT 1 FROM conductor_leases WHERE name = $1 AND released = 0 AND expires_at > $2", StateManager.WorkflowKey(workflowId), now.UtcTicks) is null;
    }

    /// <summary>The time from which what ends now is kept.</summary>
    public long Now => time.GetUtcNow().UtcTicks;

    /// <summary>Removes a run that is too old to be read, whoever holds its lease by now: it must not stand in the way of another of its id.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryMakeRoom(SqliteSession session, string workflowId) =>
        session.Scalar("SELECT 1 FROM conductor_workflows WHERE id = $1 AND completed_at < $2", workflowId, Oldest(time.GetUtcNow())) is not null
        && DeleteRun(session, workflowId);

    /// <summary>Records the result of a task outside workflows, unless one is recorded that can still be read.</summary>
    public bool TryRecord(SqliteSession session, string taskId, long now, byte[] record)
    {
        const string Insert = "INSERT INTO conductor_task_results (task_id, saved_at, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        if (session.Execute(Insert, taskId, now, record) > 0)
        {
            return true;
        }

        const string Delete = "DELETE FROM conductor_task_results WHERE task_id = $1 AND saved_at < $2 RETURNING saved_at";
        if (session.Column<long>(Delete, taskId, Oldest(new DateTimeOffset(now, TimeSpan.Zero))) is not [var savedAt])
        {
            return false;
        }

        // Effects that came since are of the execution whose result this is.
        SqliteEffectRetention.ForgetTask(session, taskId, savedAt);
        return session.Execute(Insert, taskId, now, record) > 0;
    }

    /// <summary>Removes some of what is too old or too much.</summary>
    /// <returns>True when there may be more.</returns>
    public bool RemoveSome(SqliteSession session)
    {
        if (RemoveParts(session))
        {
            return true;
        }

        var now = time.GetUtcNow();
        var oldest = Oldest(now);

        // A run under a lease is spared: whoever ran it reads its final state before it releases that. What is dated after now ended before the
        // clock was put back: it goes before all that ended since, and in a statement of its own, so that both go by the index and sort nothing.
        var workflows = session.Column<string>(
            """
            SELECT id FROM (
                SELECT id FROM conductor_workflows WHERE completed_at < $1
                UNION
                SELECT id FROM (SELECT id FROM conductor_workflows WHERE completed_at <= $4 ORDER BY completed_at DESC, seq DESC LIMIT -1 OFFSET $2)
                UNION
                SELECT id FROM (SELECT id FROM conductor_workflows WHERE completed_at > $4 ORDER BY completed_at DESC, seq DESC
                    LIMIT -1 OFFSET max(0, $2 - (SELECT count(*) FROM conductor_workflows WHERE completed_at <= $4))))
            WHERE NOT EXISTS (SELECT 1 FROM conductor_leases WHERE name = 'workflow:' || id AND released = 0 AND expires_at > $4)
            LIMIT $3
            """,
            oldest,
            (long)options.MaxFinishedWorkflows,
            (long)WorkflowsPerStep,
            now.UtcTicks);
        var (ofRuns, removed) = (0, 0);
        foreach (var id in workflows)
        {
            ofRuns += SqliteEffectRetention.ForgetSomeOfRun(session, id, RowsPerStep - ofRuns);
            if (ofRuns == RowsPerStep)
            {
                return true;
            }

            removed += Delete(session, id) ? 1 : 0;
        }

        var results = session.Pairs<string, long>(
            """
            DELETE FROM conductor_task_results WHERE id IN (
                SELECT id FROM conductor_task_results WHERE saved_at < $1
                    OR id <= (SELECT id FROM conductor_task_results ORDER BY id DESC LIMIT 1 OFFSET $2) ORDER BY id LIMIT $3)
            RETURNING task_id, saved_at
            """,
            oldest,
            (long)options.MaxTaskResults,
            (long)RowsPerStep);
        if (results.Count > 0 && SqliteEffectRetention.HasAnyOfTasks(session))
        {
            foreach (var (taskId, savedAt) in results)
            {
                SqliteEffectRetention.ForgetTask(session, taskId, savedAt);
            }
        }

        // Effects of tasks that never ended, and results that came before their run and waited in vain.
        var effects = SqliteEffectRetention.ForgetAged(session, Math.Min(oldest, Before(now, RetentionOptions.DefaultMaxAge)), RowsPerStep);
        var early = session.Execute(
            """
            DELETE FROM conductor_early_results WHERE (workflow_id, task_id, round) IN (
                SELECT workflow_id, task_id, round FROM conductor_early_results WHERE saved_at < $1 LIMIT $2)
            """,
            oldest,
            (long)RowsPerStep);
        var leases = SqliteLeaseStore.ForgetLeft(session, oldest, RowsPerStep);
        if (removed + results.Count + effects + early + leases > 0)
        {
            Log.Removed(logger, removed, results.Count);
        }

        return removed > 0 || results.Count == RowsPerStep || effects == RowsPerStep || early == RowsPerStep || leases == RowsPerStep;
    }

    /// <summary>Gives some of the pages that are free back to the disk.</summary>
    /// <returns>True when there are more.</returns>
    public static bool GiveBackSpace(SqliteSession session)
    {
        session.Run($"PRAGMA incremental_vacuum({PagesPerStep})");

        // A file that was made by somebody else may not be able to shrink: its free pages are used again.
        return session.Number("PRAGMA auto_vacuum") != 0 && session.Number("PRAGMA freelist_count") > 0;
    }

    /// <summary>Removes a run with everything that belongs to it: what there may be much of in the next steps of retention.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool Delete(SqliteSession session, string workflowId)
    {
        SqliteLeaseStore.Forget(session, StateManager.WorkflowKey(workflowId));
        return DeleteRun(session, workflowId);
    }

    /// <summary>A clock may stand in the first days of all time.</summary>
    private static long Before(DateTimeOffset now, TimeSpan age) => Math.Max(0, now.UtcTicks - age.Ticks);

    private static bool DeleteRun(SqliteSession session, string workflowId)
    {
        var seq = session.Number("SELECT seq FROM conductor_workflows WHERE id = $1", workflowId);
        SqliteEffectRetention.ForgetRun(session, workflowId);
        session.Execute("DELETE FROM conductor_early_results WHERE workflow_id = $1", workflowId);
        session.Execute("DELETE FROM conductor_definitions WHERE workflow_seq = $1", seq);
        if (session.Execute("DELETE FROM conductor_workflows WHERE seq = $1", seq) == 0)
        {
            return false;
        }

        session.Execute("INSERT OR IGNORE INTO conductor_removed_workflows (seq) VALUES ($1)", seq);
        return true;
    }

    /// <summary>Removes some of what is left of runs that were removed. Nobody finds it any more.</summary>
    /// <returns>True when there is more.</returns>
    private static bool RemoveParts(SqliteSession session)
    {
        var (rows, bytes) = (0, 0L);
        while (session.Scalar("SELECT seq FROM conductor_removed_workflows LIMIT 1") is long seq)
        {
            foreach (var (find, remove) in _parts)
            {
                foreach (var (id, length) in session.Pairs<long, long>(find, seq, (long)(RowsPerStep - rows)))
                {
                    session.Execute(remove, id);
                    rows++;
                    bytes += length;
                    if (rows == RowsPerStep || bytes >= BytesPerStep)
                    {
                        return true;
                    }
                }
            }

            session.Execute("DELETE FROM conductor_removed_workflows WHERE seq = $1", seq);
        }

        return false;
    }

    /// <summary>Keeps no more events of a run than wanted, by whole steps.</summary>
    public void TrimEvents(SqliteSession session, long seq, long lastPosition)
    {
        if (lastPosition > options.MaxEventsPerWorkflow)
        {
            session.Execute(
                "DELETE FROM conductor_events WHERE workflow_seq = $1 AND last_position <= $2", seq, lastPosition - options.MaxEventsPerWorkflow);
        }
    }

    /// <summary>Keeps no more dead letters than wanted; the oldest go first.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="replayed">
    /// The letter in whose place the youngest came, if any: where there are too many, it goes before all others, and is not missed.
    /// </param>
    /// <returns>The ids of those removed besides.</returns>
    public List<string> EvictDeadLetters(SqliteSession session, string? replayed)
    {
        const string Last = "SELECT number FROM conductor_dead_letters ORDER BY number DESC LIMIT 1 OFFSET $1";
        var limit = (long)options.MaxDeadLetters;
        if (replayed is not null && session.Scalar(Last, limit) is not null)
        {
            DeleteDeadLetter(session, replayed);
        }

        var evicted = session.Column<string>($"SELECT id FROM conductor_dead_letters WHERE number <= ({Last})", limit);
        foreach (var id in evicted)
        {
            DeleteDeadLetter(session, id);
        }

        return evicted;
    }

    /// <summary>Removes a dead letter, and the effects that are kept for nothing else.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool DeleteDeadLetter(SqliteSession session, string id)
    {
        const string Delete = "DELETE FROM conductor_dead_letters WHERE id = $1 RETURNING effect_scope, idempotency_key";
        if (session.Pairs<string?, string?>(Delete, id) is not [var execution])
        {
            return false;
        }

        if (execution is ({ } scope, { } key))
        {
            SqliteEffectRetention.ForgetLetter(session, scope, key);
        }

        return true;
    }
}
