using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Records;

/// <summary>
/// Writes runs, on the writer's thread inside its transaction: checks first and writes afterwards, so that a refusal has changed nothing.
/// </summary>
internal sealed class WorkflowWrites(SqliteCodec codec, SqliteRetention retention, bool ignoreFences)
{
    private const string LeaseIsHeld =
        "($6 IS NULL OR EXISTS (SELECT 1 FROM conductor_leases WHERE name = 'workflow:' || $1 AND fence = $6 AND nonce = $7 AND released = 0))";

    /// <summary>One that is too old is no longer there, though it was not removed yet.</summary>
    private const string IsYoung = """
        (completed_at IS NULL OR completed_at >= $14
            OR EXISTS (SELECT 1 FROM conductor_leases WHERE name = 'workflow:' || $1 AND released = 0 AND expires_at > $15))
        """;

    private const string Found = "seq, completed_at IS NOT NULL, definition_name <> $12 OR started_at <> $13";

    private const string Update = $"""
        UPDATE conductor_workflows SET version = $3, status = $4, summary = $5, last_operation = $8, last_position = max(last_position, $9),
            result_count = result_count + $10, latest_count = latest_count + $10, detail_count = detail_count + $11
        WHERE id = $1 AND version = $2 AND {LeaseIsHeld} AND {IsYoung}
        RETURNING {Found}
        """;

    private const string UpdateUnfenced = $"""
        UPDATE conductor_workflows SET version = $3, status = $4, summary = $5, last_operation = $8, last_position = max(last_position, $9),
            result_count = result_count + $10, latest_count = latest_count + $10, detail_count = detail_count + $11
        WHERE id = $1
        RETURNING {Found}
        """;

    /// <summary>Commits a step. Returns the new version.</summary>
    public long Commit(SqliteSession session, EncodedStep step)
    {
        var seq = step.Step.ExpectedVersion == 0 && !ignoreFences ? Create(session, step) : Advance(session, step);
        if (seq == 0)
        {
            // Repeated by somebody who did not learn that it was committed.
            return step.Version;
        }

        if (step.Definition is { } definition)
        {
            session.Execute("INSERT OR REPLACE INTO conductor_definitions (workflow_seq, record) VALUES ($1, $2)", seq, definition);
            session.Execute(
                "UPDATE conductor_workflows SET definition_name = $2 WHERE seq = $1 AND definition_name <> $2", seq, step.Step.Summary.DefinitionName);
        }

        WriteResults(session, seq, step);
        foreach (var detail in step.Details)
        {
            if (!detail.TryInsert(session, seq))
            {
                session.Execute("UPDATE conductor_workflows SET detail_count = detail_count - 1 WHERE seq = $1", seq);
            }
        }

        if (step.Events is { } events)
        {
            session.Execute(
                "INSERT INTO conductor_events (workflow_seq, first_position, last_position, record) VALUES ($1, $2, $3, $4)",
                seq,
                step.Step.Events[0].Position,
                step.Step.Events[^1].Position,
                events);
            retention.TrimEvents(session, seq, step.Step.Events[^1].Position);
        }

        if (step.Step.Summary.IsComplete)
        {
            Finish(session, seq);
        }

        return step.Version;
    }

    /// <summary>Replaces the whole state of a run. Returns the new version.</summary>
    public long Save(SqliteSession session, WorkflowState state, StateExpectation expectation)
    {
        var (seq, found) = Find(session, state.WorkflowId);
        if (!expectation.IsMetBy(found))
        {
            if (!expectation.IsMetBy(0) || !retention.TryMakeRoom(session, state.WorkflowId))
            {
                throw SqliteStateManager.ConflictOf(state.WorkflowId, expectation, found);
            }

            found = 0;
        }

        var summary = state.ToSummary() with { StoreVersion = found + 1 };
        var record = codec.Encode(summary);
        if (found == 0)
        {
            seq = Insert(session, summary, version: 1, record, operationId: null, lastPosition: 0);
            ResultWrites.AdoptEarly(session, seq, state.WorkflowId);
        }
        else
        {
            session.Execute(
                """
                UPDATE conductor_workflows SET version = $2, status = $3, summary = $4, last_operation = NULL, started_at = $5, completed_at = NULL,
                definition_name = $6 WHERE seq = $1
                """,
                seq,
                found + 1,
                (long)state.Status,
                record,
                state.StartedAt.UtcTicks,
                state.DefinitionName);
            session.Execute("DELETE FROM conductor_results WHERE workflow_seq = $1 AND is_latest = 1", seq);
            session.Execute("DELETE FROM conductor_details WHERE workflow_seq = $1", seq);
        }

        foreach (var result in state.TaskResults.Values)
        {
            session.Execute(
                "INSERT OR REPLACE INTO conductor_results (workflow_seq, task_id, round, is_latest, record) VALUES ($1, $2, $3, 1, $4)",
                seq,
                result.TaskId,
                (long)result.Round,
                codec.Encode(result));
        }

        foreach (var detail in Detail.Of(state, codec))
        {
            detail.TryInsert(session, seq);
        }

        session.Execute(
            """
            UPDATE conductor_workflows SET
                result_count = (SELECT count(*) FROM conductor_results WHERE workflow_seq = $1),
                latest_count = (SELECT count(*) FROM conductor_results WHERE workflow_seq = $1 AND is_latest = 1),
                detail_count = (SELECT count(*) FROM conductor_details WHERE workflow_seq = $1)
            WHERE seq = $1
            """,
            seq);
        if (summary.IsComplete)
        {
            Finish(session, seq);
        }

        return found + 1;
    }

    /// <summary>Records a result of a task of a run by itself; of a run that is not stored yet, for when it is.</summary>
    public RecordOutcome Record(SqliteSession session, TaskResult result, byte[] record, long now)
    {
        var (seq, _) = Find(session, result.WorkflowId!);
        if (seq == 0)
        {
            return session.Execute(
                "INSERT INTO conductor_early_results (workflow_id, task_id, round, saved_at, record) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                result.WorkflowId,
                result.TaskId,
                (long)result.Round,
                now,
                record) > 0
                ? RecordOutcome.Recorded
                : RecordOutcome.AlreadyRecorded;
        }

        if (session.Scalar(
            "SELECT 1 FROM conductor_results WHERE workflow_seq = $1 AND task_id = $2 AND round = $3", seq, result.TaskId, (long)result.Round) is not null)
        {
            return RecordOutcome.AlreadyRecorded;
        }

        var (_, latest) = ResultWrites.Insert(session, seq, result, record);
        session.Execute(
            "UPDATE conductor_workflows SET result_count = result_count + 1, latest_count = latest_count + $2 WHERE seq = $1", seq, (long)latest);
        return RecordOutcome.Recorded;
    }

    /// <summary>A run; nothing for one that is not there or too old, which is removed: it must not stand in the way of what is saved.</summary>
    private (long Seq, long Version) Find(SqliteSession session, string id)
    {
        var (seq, version, endedAt) = (0L, 0L, (long?)null);
        using (var rows = session.Query("SELECT seq, version, completed_at FROM conductor_workflows WHERE id = $1", id))
        {
            if (rows.Read())
            {
                (seq, version, endedAt) = (rows.GetInt64(0), rows.GetInt64(1), rows.IsDBNull(2) ? null : rows.GetInt64(2));
            }
        }

        return retention.IsTooOld(session, id, endedAt) && retention.TryMakeRoom(session, id) ? default : (seq, version);
    }

    private long Create(SqliteSession session, EncodedStep step)
    {
        var (id, transition) = (step.WorkflowId, step.Step);
        if (transition.Lease is { } lease && !ignoreFences && !IsHeld(session, id, lease))
        {
            throw SqliteStateManager.LeaseLostOf(id, lease);
        }

        if (session.Scalar("SELECT version FROM conductor_workflows WHERE id = $1", id) is long found)
        {
            if (IsRepeated(session, step, found))
            {
                return 0;
            }

            if (!retention.TryMakeRoom(session, id))
            {
                throw SqliteStateManager.ConflictOf(id, StateExpectation.MustNotExist, found);
            }
        }

        var seq = Insert(
            session, transition.Summary, step.Version, step.Summary, transition.OperationId, transition.Events.Count == 0 ? 0 : transition.Events[^1].Position);
        var early = ResultWrites.AdoptEarly(session, seq, id);
        session.Execute(
            "UPDATE conductor_workflows SET result_count = $2 + $3, latest_count = $3, detail_count = $4 WHERE seq = $1",
            seq,
            (long)early,
            (long)step.Results.Length,
            (long)step.Details.Count);
        return seq;
    }

    private static bool IsHeld(SqliteSession session, string id, Lease lease) =>
        lease.Name == StateManager.WorkflowKey(id) && SqliteLeaseStore.IsHeld(session, lease);

    private static bool IsRepeated(SqliteSession session, EncodedStep step, long found) => step.Step.OperationId is { } operation
        && found == step.Version
        && session.Scalar("SELECT 1 FROM conductor_workflows WHERE id = $1 AND last_operation = $2", step.WorkflowId, operation) is not null;

    /// <summary>The counts of the run were raised as if every result were a task's first; where that is not so, they are put right.</summary>
    private static void WriteResults(SqliteSession session, long seq, EncodedStep step)
    {
        var (added, latest) = (0, 0);
        foreach (var taskId in step.Step.ReopenedTaskIds)
        {
            latest -= ResultWrites.Retire(session, seq, taskId);
        }

        for (var i = 0; i < step.Results.Length; i++)
        {
            var (isFirst, change) = ResultWrites.Insert(session, seq, step.Step.Results[i], step.Results[i]);
            added += isFirst ? 1 : 0;
            latest += change;
        }

        if (added != step.Results.Length || latest != step.Results.Length)
        {
            session.Execute(
                "UPDATE conductor_workflows SET result_count = result_count + $2, latest_count = latest_count + $3 WHERE seq = $1",
                seq,
                (long)added - step.Results.Length,
                (long)latest - step.Results.Length);
        }
    }

    private static long Insert(SqliteSession session, WorkflowSummary summary, long version, byte[] record, string? operationId, long lastPosition) =>
        session.Number(
        """
        INSERT INTO conductor_workflows (id, version, status, definition_name, started_at, completed_at, last_position, result_count, latest_count,
            detail_count, cancel_requested, last_operation, summary)
        VALUES ($1, $2, $3, $4, $5, NULL, $6, 0, 0, 0, 0, $7, $8) RETURNING seq
        """,
        summary.WorkflowId,
        version,
        (long)summary.Status,
        summary.DefinitionName,
        summary.StartedAt.UtcTicks,
        lastPosition,
        operationId,
        record);

    /// <summary>Its age counts from now, whatever it says itself: what was saved is there for as long as it is to be kept.</summary>
    private void Finish(SqliteSession session, long seq) =>
        session.Execute("UPDATE conductor_workflows SET completed_at = $2 WHERE seq = $1 AND completed_at IS NULL", seq, retention.Now);

    private long Advance(SqliteSession session, EncodedStep step)
    {
        var transition = step.Step;
        var lease = transition.Lease;
        if (lease is not null && lease.Name != StateManager.WorkflowKey(step.WorkflowId))
        {
            throw SqliteStateManager.LeaseLostOf(step.WorkflowId, lease);
        }

        var (seq, hadEnded, isFoundOtherwise) = (0L, false, false);
        var now = retention.Now;
        using (var rows = session.Query(
            ignoreFences ? UpdateUnfenced : Update,
            step.WorkflowId,
            transition.ExpectedVersion,
            step.Version,
            (long)transition.Summary.Status,
            step.Summary,
            lease?.Fence,
            lease?.Nonce,
            transition.OperationId,
            transition.Events.Count == 0 ? 0L : transition.Events[^1].Position,
            (long)step.Results.Length,
            (long)step.Details.Count,
            transition.Summary.DefinitionName,
            transition.Summary.StartedAt.UtcTicks,
            retention.Oldest(new DateTimeOffset(now, TimeSpan.Zero)),
            now))
        {
            if (rows.Read())
            {
                (seq, hadEnded, isFoundOtherwise) = (rows.GetInt64(0), rows.GetInt64(1) != 0, rows.GetInt64(2) != 0);
            }
        }

        // Hardly any step changes what a list finds its run by: only then is the index of the starts written, too.
        if (isFoundOtherwise)
        {
            session.Execute(
                "UPDATE conductor_workflows SET definition_name = $2, started_at = $3 WHERE seq = $1",
                seq,
                transition.Summary.DefinitionName,
                transition.Summary.StartedAt.UtcTicks);
        }

        if (hadEnded && !transition.Summary.IsComplete)
        {
            session.Execute("UPDATE conductor_workflows SET completed_at = NULL WHERE seq = $1", seq);
        }

        return seq != 0 ? seq : ignoreFences ? Create(session, step) : Refuse(session, step);
    }

    /// <summary>Says why a step was not made; 0 when it was made before.</summary>
    private long Refuse(SqliteSession session, EncodedStep step)
    {
        var (_, found) = Find(session, step.WorkflowId);
        if (step.Step.Lease is { } lease && !IsHeld(session, step.WorkflowId, lease))
        {
            throw found == 0 ? SqliteStateManager.DeletedOf(step.WorkflowId) : SqliteStateManager.LeaseLostOf(step.WorkflowId, lease);
        }

        return IsRepeated(session, step, found)
            ? 0
            : throw SqliteStateManager.ConflictOf(step.WorkflowId, StateExpectation.AtVersion(step.Step.ExpectedVersion), found);
    }
}
