using System.Diagnostics;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <summary>
/// Whether the open file is still the one that others find under its name. A system that lets open files be deleted keeps them for whoever has them
/// open: saves would succeed, and be lost with the process. SQLite knows by the file's inode (on Windows it lets nobody delete it), at the cost of
/// one question to the system. One caller at a time.
/// </summary>
/// <param name="interval">How long an answer holds.</param>
internal sealed class OpenFile(TimeSpan interval)
{
    // https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html
    private const int HasMoved = 20;

    /// <summary>SQLitePCL does not give it out. Null where the library has none of this name: then nothing is noticed.</summary>
    private static readonly Lazy<FileControl?> _control = new(static () =>
        NativeLibrary.TryLoad(raw.GetNativeLibraryName(), typeof(raw).Assembly, searchPath: null, out var library)
        && NativeLibrary.TryGetExport(library, "sqlite3_file_control", out var address)
            ? Marshal.GetDelegateForFunctionPointer<FileControl>(address)
            : null);

    private long? _lookedAt;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int FileControl(nint database, nint schema, int operation, ref int answer);

    /// <summary>Whether it was deleted, moved or replaced since it was opened. What is not so is not looked at again within the interval.</summary>
    public bool IsMoved(SqliteSession session)
    {
        if (_lookedAt is { } lookedAt && Stopwatch.GetElapsedTime(lookedAt) < interval)
        {
            return false;
        }

        var answer = 0;
        if (_control.Value is { } control
            && control(session.Connection.Handle!.DangerousGetHandle(), schema: 0, HasMoved, ref answer) == raw.SQLITE_OK && answer != 0)
        {
            // It may be brought back.
            _lookedAt = null;
            return true;
        }

        _lookedAt = Stopwatch.GetTimestamp();
        return false;
    }
}
