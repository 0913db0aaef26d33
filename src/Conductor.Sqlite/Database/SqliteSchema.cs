namespace Conductor.Sqlite.Database;

/// <summary>
/// The tables, as a list of migrations: the n-th brings a database from version n - 1 to n, and is never changed once released. Times are UTC
/// ticks. Records are lines of <c>RecordCodec</c>. Counts beside records show when rows are missing.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>Everything that is known today.</summary>
    public static IReadOnlyList<string> Migrations { get; } = [First, EffectsAreKept, RemovedInSteps];

    private const string First = """
        CREATE TABLE conductor_workflows (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            version INTEGER NOT NULL,
            status INTEGER NOT NULL,
            definition_name TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            completed_at INTEGER NULL,
            last_position INTEGER NOT NULL,
            result_count INTEGER NOT NULL,
            latest_count INTEGER NOT NULL,
            detail_count INTEGER NOT NULL,
            cancel_requested INTEGER NOT NULL,
            last_operation TEXT NULL,
            summary BLOB NOT NULL
        );
        CREATE INDEX conductor_workflows_by_start ON conductor_workflows (started_at, id);
        CREATE INDEX conductor_workflows_unfinished ON conductor_workflows (id) WHERE completed_at IS NULL;
        CREATE INDEX conductor_workflows_finished ON conductor_workflows (completed_at) WHERE completed_at IS NOT NULL;
        CREATE TABLE conductor_definitions (workflow_seq INTEGER PRIMARY KEY, record BLOB NOT NULL);
        CREATE TABLE conductor_results (
            id INTEGER PRIMARY KEY,
            workflow_seq INTEGER NOT NULL,
            task_id TEXT NOT NULL,
            round INTEGER NOT NULL,
            is_latest INTEGER NOT NULL,
            record BLOB NOT NULL
        );
        CREATE UNIQUE INDEX conductor_results_by_key ON conductor_results (workflow_seq, task_id, round);
        CREATE TABLE conductor_details (
            id INTEGER PRIMARY KEY,
            workflow_seq INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            key TEXT NULL,
            record BLOB NOT NULL
        );
        CREATE INDEX conductor_details_by_key ON conductor_details (workflow_seq, kind, key);
        CREATE TABLE conductor_events (
            id INTEGER PRIMARY KEY,
            workflow_seq INTEGER NOT NULL,
            first_position INTEGER NOT NULL,
            last_position INTEGER NOT NULL,
            record BLOB NOT NULL
        );
        CREATE INDEX conductor_events_by_position ON conductor_events (workflow_seq, last_position);
        CREATE TABLE conductor_task_results (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL UNIQUE,
            saved_at INTEGER NOT NULL,
            record BLOB NOT NULL
        );
        CREATE TABLE conductor_early_results (
            workflow_id TEXT NOT NULL,
            task_id TEXT NOT NULL,
            round INTEGER NOT NULL,
            saved_at INTEGER NOT NULL,
            record BLOB NOT NULL,
            PRIMARY KEY (workflow_id, task_id, round)
        ) WITHOUT ROWID;
        CREATE TABLE conductor_leases (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            fence INTEGER NOT NULL,
            nonce TEXT NOT NULL,
            renewal INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            released INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE conductor_effects (
            scope TEXT NOT NULL,
            idempotency_key TEXT NOT NULL,
            name TEXT NOT NULL,
            saved_at INTEGER NOT NULL,
            record BLOB NOT NULL,
            PRIMARY KEY (scope, idempotency_key, name)
        ) WITHOUT ROWID;
        CREATE TABLE conductor_dead_letters (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            record BLOB NOT NULL
        );
        CREATE TABLE conductor_agents (id TEXT PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;
        """;

    /// <summary>
    /// What an effect is kept for: the task outside workflows that recorded it, and dead letters of its execution. A letter that is there already
    /// says in its record, after a prefix of 11 bytes, which that is; one that is damaged keeps none.
    /// </summary>
    private const string EffectsAreKept = """
        ALTER TABLE conductor_effects ADD COLUMN task_id TEXT NULL;
        CREATE INDEX conductor_effects_by_task ON conductor_effects (task_id) WHERE task_id IS NOT NULL;
        ALTER TABLE conductor_dead_letters ADD COLUMN effect_scope TEXT NULL;
        ALTER TABLE conductor_dead_letters ADD COLUMN idempotency_key TEXT NULL;
        UPDATE conductor_dead_letters SET
            idempotency_key = json_extract(CAST(substr(record, 12) AS TEXT), '$.idempotency_key'),
            effect_scope = ifnull(
                json_extract(CAST(substr(record, 12) AS TEXT), '$.workflow_id'), json_extract(CAST(substr(record, 12) AS TEXT), '$.idempotency_key'))
        WHERE json_valid(CAST(substr(record, 12) AS TEXT)) AND json_type(CAST(substr(record, 12) AS TEXT), '$.idempotency_key') = 'text';
        CREATE INDEX conductor_dead_letters_by_execution ON conductor_dead_letters (idempotency_key, effect_scope) WHERE idempotency_key IS NOT NULL;
        """;

    /// <summary>
    /// Runs that are removed, and of which parts are left: a run with everything of it may be more than a step of retention should take. No number of a run
    /// comes again. What goes by its age is found by that.
    /// </summary>
    private const string RemovedInSteps = """
        CREATE TABLE conductor_removed_workflows (seq INTEGER PRIMARY KEY);
        CREATE INDEX conductor_effects_by_age ON conductor_effects (saved_at);
        CREATE INDEX conductor_early_results_by_age ON conductor_early_results (saved_at);
        """;
}
