using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Database;

/// <summary>Says in the store's words what SQLite could not do. The connection string is never quoted: it may hold a password.</summary>
internal static class SqliteFailure
{
    // https://www.sqlite.org/rescode.html
    public const int Busy = 5;
    public const int Locked = 6;

    /// <summary>SQLITE_BUSY_SNAPSHOT: this connection still reads what another has changed since.</summary>
    public const int StaleSnapshot = 517;

    public const int ReadOnly = 8;
    public const int CantOpen = 14;

    private const int Error = 1;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int TooBig = 18;
    private const int NotADatabase = 26;

    public static Exception Translate(Exception exception, string file) => exception switch
    {
        // No trouble with the store, in which repeating helps: what was to be saved can never be.
        SqliteException { SqliteErrorCode: TooBig } => new TaskValidationException(
            $"'{file}' cannot take a row of this length ({exception.Message}). Keep large data elsewhere, and hand over where it is; ids count, " +
                "too.", exception),
        SqliteException sqlite => Of(sqlite, file),
        _ => exception,
    };

    /// <summary>A value of another kind than was written (nothing for text, a number out of range) stands in a damaged row.</summary>
    public static Exception TranslateRead(Exception exception, string file) =>
        exception is InvalidOperationException or InvalidCastException or ArgumentOutOfRangeException or OverflowException or FormatException
            ? new StateException(
                ErrorCodes.StateCorrupt, $"'{file}' is damaged: a row has a value that was not written ({exception.Message}). Restore it from a " +
                    "backup.", exception)
            {
                Key = file,
            }
            : Translate(exception, file);

    /// <summary>What a statement of the user did wrong (a constraint, a table that is not there) is the user's to see as it is.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="file">The store's file.</param>
    /// <param name="isOfStore">Whether the store's connection failed. What another one says, of another file, is the user's, too.</param>
    public static Exception TranslateEffect(Exception exception, string file, bool isOfStore) =>
        exception is SqliteException { SqliteErrorCode: not (Busy or Locked or ReadOnly or IoError or Corrupt or Full or CantOpen or NotADatabase) }
            || !isOfStore
            ? exception
            : Translate(exception, file);

    /// <summary>The file is no longer where it was opened. It is the same at every save until somebody brings it back, or starts the program again.</summary>
    public static StateException Moved(string file) => new(
        ErrorCodes.StateUnavailable,
        $"'{file}' was deleted, moved or replaced while this program uses it, so that nobody would find what is saved; nothing is saved any more. " +
            "Stop all programs that use it, put the right file there, and start them again.")
    {
        IsTransient = false,
    };

    /// <summary>The file cannot have a write-ahead log: reads would hold up saves, and nothing may keep processes apart.</summary>
    public static StateException WithoutLog(string file, object? mode) => new(
        ErrorCodes.StateUnavailable,
        $"'{file}' cannot be used with a write-ahead log, which the store needs: SQLite leaves its journal mode at '{mode}'. Leave 'nolock' and 'vfs' out " +
            "of the connection string, and put the file on a local disk.")
    {
        IsTransient = false,
    };

    /// <summary>Code of the user's that runs on the writer's thread asks the writer for something.</summary>
    public static InvalidOperationException WithinEffect(string file) => new(
        $"An effect inside the transaction of '{file}' asked the store to save something, which the store does when the effect has ended: it would wait for " +
            "itself. Write through the effect's connection, or save before or after OnceAsync.");

    /// <summary>The writer's connection has its own lock when it commits: only what still runs on it can be in the way.</summary>
    public static StateException StillRunning(string file, SqliteException exception) => Unavailable(
        $"What was saved to '{file}' could not be committed: an effect left a reader open on the store's connection ({exception.Message}). Dispose of each " +
            "SqliteDataReader before the delegate of OnceAsync returns.",
        isTransient: true,
        exception);

    private static StateException Of(SqliteException exception, string file) => exception.SqliteErrorCode switch
    {
        Error when IsAboutTables(exception.Message) => new StateException(
            ErrorCodes.StateCorrupt, $"'{file}' is damaged: its tables are not those of its schema version ({exception.Message}). Restore it from " +
                "a backup.", exception)
        {
            Key = file,
        },
        Busy or Locked => Unavailable(
            $"'{file}' is locked: another process or connection writes to it for longer than SqliteStateOptions.BusyTimeout. Find out who holds " +
                "it, or raise the limit.",
            isTransient: true,
            exception),
        Full => Unavailable($"The disk of '{file}' is full, or the database has reached its largest size. Free space; the save can be repeated then.",
            isTransient: true, exception),
        ReadOnly => Unavailable($"'{file}' is read-only. Give this program the right to write to the file and its folder.", isTransient: false, exception),
        CantOpen =>
            Unavailable($"'{file}' cannot be opened. Make sure that its folder exists and that this program may write to it.", isTransient: false, exception),
        IoError => Unavailable($"'{file}' cannot be read or written: {exception.Message}", isTransient: true, exception),
        Corrupt or NotADatabase => new StateException(
            ErrorCodes.StateCorrupt, $"'{file}' is damaged or no SQLite database ({exception.Message}). Restore it from a backup.", exception)
        {
            Key = file,
        },
        _ => Unavailable($"SQLite failed on '{file}': {exception.Message}", isTransient: null, exception),
    };

    /// <summary>
    /// Statements of this package fit the tables it made: if they do not, a table is not as it was left. SQLite has no code of its own for that.
    /// </summary>
    private static bool IsAboutTables(string message) =>
        message.Contains("no such table", StringComparison.Ordinal) || message.Contains("no such column", StringComparison.Ordinal)
        || message.Contains("has no column", StringComparison.Ordinal) || message.Contains("already exists", StringComparison.Ordinal);

    private static StateException Unavailable(string message, bool? isTransient, Exception exception) =>
        new(ErrorCodes.StateUnavailable, message, exception) { IsTransient = isTransient };
}
