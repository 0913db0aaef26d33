using System.Runtime.InteropServices;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <summary>Functions of SQLite that SQLitePCL does not give out, or not in this way. Where the library has none of such a name, nothing is noticed.</summary>
internal static class NativeSqlite
{
    // https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html
    private const int HasMoved = 20;

    private static readonly Lazy<FileControl?> _fileControl = new(static () => Find<FileControl>("sqlite3_file_control"));
    private static readonly Lazy<TransactionState?> _transactionState = new(static () => Find<TransactionState>("sqlite3_txn_state"));
    private static readonly Lazy<Statements?> _statements = new(FindStatements);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int FileControl(nint database, nint schema, int operation, ref int answer);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int TransactionState(nint database, nint schema);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Get(nint value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint GetNext(nint database, nint statement);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Do(nint value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Hold(nint mutex);

    /// <summary>Whether the file that is open is no longer the one that others find under its name.</summary>
    public static bool IsMoved(sqlite3 database)
    {
        var answer = 0;
        return _fileControl.Value is { } control
            && control(database.DangerousGetHandle(), schema: 0, HasMoved, ref answer) == raw.SQLITE_OK && answer != 0;
    }

    /// <summary>Whether a transaction is under way, of whatever kind: outside one of the connection's own, a statement that reads and was left.</summary>
    public static bool IsInTransaction(sqlite3 database) =>
        _transactionState.Value is { } state && state(database.DangerousGetHandle(), schema: 0) > 0;

    /// <summary>
    /// Ends the statements that are under way: readers that nobody disposed of. With one, no transaction ends. (A blob that is open is such a statement,
    /// too, without a text; ending it would take from under its owner what he may still use.)
    /// </summary>
    /// <returns>Whether there was any.</returns>
    public static bool EndStatements(sqlite3 database)
    {
        if (_statements.Value is not { } native)
        {
            return false;
        }

        var handle = database.DangerousGetHandle();

        // What nobody refers to any more, the garbage collector's thread may free at any moment, and waits for this.
        var mutex = native.MutexOf(handle);
        native.Enter(mutex);
        try
        {
            var any = false;
            for (var statement = native.Next(handle, 0); statement != 0; statement = native.Next(handle, statement))
            {
                if (native.IsBusy(statement) == 0)
                {
                    continue;
                }

                any = true;
                if (native.TextOf(statement) != 0)
                {
                    native.Reset(statement);
                }
            }

            return any;
        }
        finally
        {
            native.Leave(mutex);
        }
    }

    private static Statements? FindStatements() =>
        Find<GetNext>("sqlite3_next_stmt") is { } next && Find<Do>("sqlite3_stmt_busy") is { } isBusy && Find<Get>("sqlite3_sql") is { } textOf
        && Find<Do>("sqlite3_reset") is { } reset && Find<Get>("sqlite3_db_mutex") is { } mutexOf
        && Find<Hold>("sqlite3_mutex_enter") is { } enter && Find<Hold>("sqlite3_mutex_leave") is { } leave
            ? new Statements(next, isBusy, textOf, reset, mutexOf, enter, leave)
            : null;

    private static T? Find<T>(string name)
        where T : Delegate =>
        NativeLibrary.TryLoad(raw.GetNativeLibraryName(), typeof(raw).Assembly, searchPath: null, out var library)
        && NativeLibrary.TryGetExport(library, name, out var address)
            ? Marshal.GetDelegateForFunctionPointer<T>(address)
            : null;

    private sealed record Statements(GetNext Next, Do IsBusy, Get TextOf, Do Reset, Get MutexOf, Hold Enter, Hold Leave);
}
