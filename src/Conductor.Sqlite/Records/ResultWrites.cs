using Conductor.Sqlite.Database;

namespace Conductor.Sqlite.Records;

/// <summary>
/// Writes results of a run's tasks. Of each task at most one is the latest (<c>is_latest</c> 1); those of other rounds, and reopened ones, are kept
/// as 0; those that came before their run wait as 2.
/// </summary>
internal static class ResultWrites
{
    /// <summary>The first result of an execution stands. It is the task's only latest one now, whatever round the task had before.</summary>
    /// <returns>Whether it was the first, and by how much the number of latest results grew.</returns>
    public static (bool IsFirst, int LatestChange) Insert(SqliteSession session, long seq, TaskResult result, byte[] record)
    {
        var isFirst = session.Execute(
            "INSERT INTO conductor_results (workflow_seq, task_id, round, is_latest, record) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING",
            seq,
            result.TaskId,
            (long)result.Round,
            record) > 0;

        // One that came before its run takes the place of the step's own; one that was reopened counts again, unless another round's does.
        var isLatest = isFirst || session.Execute(
            """
            UPDATE conductor_results SET is_latest = 1 WHERE workflow_seq = $1 AND task_id = $2 AND round = $3 AND (is_latest = 2 OR (is_latest = 0
                AND NOT EXISTS (SELECT 1 FROM conductor_results WHERE workflow_seq = $1 AND task_id = $2 AND is_latest = 1)))
            """,
            seq,
            result.TaskId,
            (long)result.Round) > 0;
        var retired = isLatest
            ? session.Execute(
                "UPDATE conductor_results SET is_latest = 0 WHERE workflow_seq = $1 AND task_id = $2 AND is_latest = 1 AND round <> $3",
                seq,
                result.TaskId,
                (long)result.Round)
            : 0;
        return (isFirst, (isLatest ? 1 : 0) - retired);
    }

    /// <summary>Takes over the results that came before their run. They wait as 2 until a step brings them, and are recorded either way.</summary>
    public static int AdoptEarly(SqliteSession session, long seq, string id)
    {
        var early = session.Execute(
            """
            INSERT INTO conductor_results (workflow_seq, task_id, round, is_latest, record)
            SELECT $1, task_id, round, 2, record FROM conductor_early_results WHERE workflow_id = $2
            """,
            seq,
            id);
        session.Execute("DELETE FROM conductor_early_results WHERE workflow_id = $1", id);
        return early;
    }

    public static int Retire(SqliteSession session, long seq, string taskId) => session.Execute(
        "UPDATE conductor_results SET is_latest = 0 WHERE workflow_seq = $1 AND task_id = $2 AND is_latest = 1", seq, taskId);
}
