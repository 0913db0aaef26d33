using Conductor.Sqlite.Database;

namespace Conductor.Sqlite;

/// <summary>
/// How long effects are kept: those of a run as long as it, those of a task outside workflows as long as its result, and all as long as there is a
/// dead letter of their execution, which may be replayed. What nothing else ends goes by its age. On the writer's thread.
/// </summary>
internal static class SqliteEffectRetention
{
    private const string HasLetter = """
        EXISTS (SELECT 1 FROM conductor_dead_letters AS letter
            WHERE letter.idempotency_key = conductor_effects.idempotency_key AND letter.effect_scope = conductor_effects.scope)
        """;

    /// <summary>
    /// Whether an effect ended with a result that is too old to be read (before <c>$4</c>), though neither was removed yet: the task is dispatched anew. What
    /// it recorded since is of that.
    /// </summary>
    public const string IsOfAgedResult = $"""
        (task_id IS NOT NULL AND EXISTS (SELECT 1 FROM conductor_task_results AS result
            WHERE result.task_id = conductor_effects.task_id AND result.saved_at < $4 AND result.saved_at >= conductor_effects.saved_at) AND NOT {HasLetter})
        """;

    /// <summary>Removes an effect that can no longer be read: it must not stand in the way of one of another dispatch of its task.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool TryMakeRoom(SqliteSession session, EffectKey key, long oldest) => session.Execute(
        $"DELETE FROM conductor_effects WHERE scope = $1 AND idempotency_key = $2 AND name = $3 AND {IsOfAgedResult}",
        key.Scope,
        key.IdempotencyKey,
        key.Name,
        oldest) > 0;

    /// <summary>A run is kept no longer.</summary>
    public static void ForgetRun(SqliteSession session, string workflowId) =>
        session.Execute($"DELETE FROM conductor_effects WHERE scope = $1 AND task_id IS NULL AND NOT {HasLetter}", workflowId);

    /// <summary>Some effects of a run that is kept no longer.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="workflowId">The run.</param>
    /// <param name="most">How many are forgotten at most.</param>
    /// <returns>How many were.</returns>
    public static int ForgetSomeOfRun(SqliteSession session, string workflowId, int most) => session.Execute(
        $"""
        DELETE FROM conductor_effects WHERE scope = $1 AND (idempotency_key, name) IN (
            SELECT idempotency_key, name FROM conductor_effects WHERE scope = $1 AND task_id IS NULL AND NOT {HasLetter} LIMIT $2)
        """,
        workflowId,
        (long)most);

    /// <summary>
    /// Whether there are effects of tasks outside workflows at all: most programs have none, and thousands of results that go are asked about once.
    /// </summary>
    public static bool HasAnyOfTasks(SqliteSession session) => session.Scalar("SELECT 1 FROM conductor_effects WHERE task_id IS NOT NULL LIMIT 1") is not null;

    /// <summary>The result of a task outside workflows is kept no longer. What it recorded since is of a later dispatch, which is under way.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="taskId">The task.</param>
    /// <param name="savedAt">When the result was recorded, in UTC ticks.</param>
    public static void ForgetTask(SqliteSession session, string taskId, long savedAt)
    {
        if (session.Scalar("SELECT 1 FROM conductor_effects WHERE task_id = $1 AND saved_at <= $2 LIMIT 1", taskId, savedAt) is null)
        {
            return;
        }

        session.Execute($"DELETE FROM conductor_effects WHERE task_id = $1 AND saved_at <= $2 AND NOT {HasLetter}", taskId, savedAt);

        // No task has an empty id: what is left is kept for the letter alone.
        session.Execute("UPDATE conductor_effects SET task_id = '' WHERE task_id = $1 AND saved_at <= $2", taskId, savedAt);
    }

    /// <summary>A dead letter of an execution is kept no longer.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="scope">The execution's run, or outside workflows its idempotency key.</param>
    /// <param name="key">Its idempotency key.</param>
    public static void ForgetLetter(SqliteSession session, string scope, string key) => session.Execute(
        $"""
        DELETE FROM conductor_effects WHERE scope = $1 AND idempotency_key = $2
            AND (task_id = '' OR (task_id IS NULL AND scope <> idempotency_key
            AND NOT EXISTS (SELECT 1 FROM conductor_workflows WHERE id = scope))) AND NOT {HasLetter}
        """,
        scope,
        key);

    /// <summary>All dead letters are about to be removed.</summary>
    public static void ForgetLetters(SqliteSession session) => session.Execute(
        """
        DELETE FROM conductor_effects WHERE (scope, idempotency_key) IN
        (SELECT effect_scope, idempotency_key FROM conductor_dead_letters WHERE idempotency_key IS NOT NULL)
            AND (task_id = '' OR (task_id IS NULL AND scope <> idempotency_key AND NOT EXISTS (SELECT 1 FROM conductor_workflows WHERE id = scope)))
        """);

    /// <summary>Forgets some effects of executions that nothing else ends, and whose last effect is too old.</summary>
    /// <param name="session">The writer's.</param>
    /// <param name="oldest">What was recorded before this is too old, in UTC ticks.</param>
    /// <param name="most">How many are forgotten at most.</param>
    /// <returns>How many were.</returns>
    public static int ForgetAged(SqliteSession session, long oldest, int most) => session.Execute(
        $"""
        DELETE FROM conductor_effects WHERE (scope, idempotency_key, name) IN (
            SELECT scope, idempotency_key, name FROM conductor_effects
            WHERE saved_at < $1 AND NOT EXISTS (SELECT 1 FROM conductor_workflows WHERE id = scope)
                AND NOT EXISTS (
                    SELECT 1 FROM conductor_effects AS later
                    WHERE later.scope = conductor_effects.scope AND later.idempotency_key = conductor_effects.idempotency_key AND later.saved_at >= $1)
                AND NOT {HasLetter}
            LIMIT $2)
        """,
        oldest,
        (long)most);
}
