using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <summary>One database file: how it is opened, and its schema. Thread-safe.</summary>
internal sealed class SqliteDatabase
{
    private readonly SqliteStateOptions _options;
    private readonly IReadOnlyList<string> _migrations;
    private readonly ILogger _logger;
    private readonly DataSource _source;
    private readonly string _connectionString;
    private readonly Lock _gate = new();
    private readonly OpenFile _openFile = new(TimeSpan.Zero);
    private int _maxRecordLength = int.MaxValue;

    /// <summary>
    /// Names the file that was opened first by where it lies: a symbolic link in the path that was given may lead elsewhere by now, and what was saved is here.
    /// </summary>
    private volatile string _connectionStringOfExisting;

    /// <summary>Where that is.</summary>
    private volatile string _path;

    /// <summary>Keeps the file that was opened first, to tell whether what its name leads to later is still that one. Under the lock.</summary>
    private SqliteSession? _witness;

    /// <summary>How many writers need it: one whose opening was given up may still be about to open the file. Under the lock.</summary>
    private int _writers;

    public SqliteDatabase(SqliteStateOptions options, ILogger logger, IReadOnlyList<string>? migrations = null)
    {
        _options = options;
        _logger = logger;
        _migrations = migrations ?? SqliteSchema.Migrations;
        var parsed = new SqliteConnectionStringBuilder(options.ConnectionString);
        _source = new DataSource(parsed.DataSource);
        _path = _source.Path;

        // The connections are kept here. Waiting for other writers is done natively, not by the loop of Microsoft.Data.Sqlite, which looks again
        // only every 150 ms: with the least limit that it knows it gives up after the native wait.
        parsed.Pooling = false;
        parsed.DefaultTimeout = 1;
        parsed.DataSource = _source.Name;
        _connectionString = parsed.ToString();
        (parsed.DataSource, parsed.Mode) = (_source.NameOfExisting, SqliteOpenMode.ReadWrite);
        _connectionStringOfExisting = parsed.ToString();
    }

    /// <summary>
    /// Whether the native library is one of those that are known to have no encryption. Of one that is not known, SQLite says so when it opens the
    /// file.
    /// </summary>
    public static bool IsWithoutEncryption
    {
        get
        {
            // What makes the first connection finds the native library.
            using var first = new SqliteConnection();
            return raw.GetNativeLibraryName() is "e_sqlite3" or "winsqlite3";
        }
    }

    /// <summary>The file, for messages to people. What else an address says may be a secret.</summary>
    public string File => _source.Path;

    /// <summary>
    /// How long a record may be: a thousandth less than a row, in which its ids stand beside it. What SQLite takes is known when the writer has
    /// opened the file.
    /// </summary>
    public int MaxRecordLength => Volatile.Read(ref _maxRecordLength);

    /// <summary>Opens the connection that writes, and brings the schema up to date.</summary>
    /// <param name="isFirst">Whether nobody has opened the file yet, so that it may be made. What is opened again was there before.</param>
    public SqliteSession OpenWriter(bool isFirst)
    {
        var session = Open(isFirst);
        try
        {
            if (!isFirst && VersionOf(session) == 0)
            {
                throw SqliteFailure.Moved(File);
            }

            if (raw.sqlite3_db_readonly(session.Connection.Handle, "main") == 1)
            {
                // SQLite opens such a file all the same, and would say so at the first save.
                throw new SqliteException("the database is read-only", SqliteFailure.ReadOnly);
            }

            if (session.Number("SELECT count(*) FROM sqlite_master") == 0)
            {
                // Only an empty database takes it: what retention removes is given back to the disk.
                session.Run("PRAGMA auto_vacuum = INCREMENTAL");
            }

            // 16 MB between checkpoints instead of 4: the same pages change again and again while runs go on, and each is copied once.
            EnterWriteAheadMode(session);

            // Whether foreign keys are enforced is the connection string's to say: they are those of the user's tables, for effects.
            session.Run(FormattableString.Invariant(
                $"PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = {_options.MaxLogLength}; PRAGMA wal_autocheckpoint = 4000"));
            session.Run(_options.Synchronous == SqliteSynchronous.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            Migrate(session);
            var limit = raw.sqlite3_limit(session.Connection.Handle, raw.SQLITE_LIMIT_LENGTH, _options.MaxRowLength ?? -1);
            limit = _options.MaxRowLength ?? limit;
            Volatile.Write(ref _maxRecordLength, limit - (limit / 1000));
            session.Run("PRAGMA busy_timeout = 0");
            if (isFirst)
            {
                Enter(session);
            }

            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>A writer has opened the file by the name that was given.</summary>
    private void Enter(SqliteSession session)
    {
        lock (_gate)
        {
            if (_witness is null)
            {
                _path = session.FileName is { Length: > 0 } found ? found : _source.Path;
                var parsed = new SqliteConnectionStringBuilder(_connectionStringOfExisting)
                {
                    DataSource = _source.Path == _path ? _source.NameOfExisting : _source.NameAt(_path),
                };
                _connectionStringOfExisting = parsed.ToString();
                _witness = Open(isFirst: false);
                if (MountedFile.IsMounted(_path))
                {
                    Log.MountedAlone(_logger, _path);
                }
            }
            else if (session.FileName is { Length: > 0 } other && other != _path)
            {
                throw SqliteFailure.Moved(File);
            }

            _writers++;
        }
    }

    /// <summary>A writer that has opened the file first has closed it: what is opened next is the first again.</summary>
    public void LetGo()
    {
        lock (_gate)
        {
            if (--_writers == 0)
            {
                _witness?.Dispose();
                _witness = null;
            }
        }
    }

    /// <summary>Opens a connection that reads.</summary>
    public SqliteSession OpenReader()
    {
        var session = Open(isFirst: false);
        try
        {
            session.Run("PRAGMA query_only = ON; PRAGMA cell_size_check = ON");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>When several open a new file at once, SQLite tells all but one that it is locked, and for this it does not wait by itself.</summary>
    private void EnterWriteAheadMode(SqliteSession session)
    {
        var startedAt = Stopwatch.GetTimestamp();
        while (session.TryRun("PRAGMA journal_mode = WAL") is var code && code != raw.SQLITE_OK)
        {
            if ((code & 0xFF) is not (SqliteFailure.Busy or SqliteFailure.Locked) || Stopwatch.GetElapsedTime(startedAt) > _options.BusyTimeout)
            {
                throw session.Failure(code);
            }

            SqliteWriter.Pause();
        }

        // SQLite keeps another mode without an error where it has no locks, or no memory that processes share.
        if (session.Scalar("PRAGMA journal_mode") is var mode && mode is not "wal")
        {
            throw SqliteFailure.WithoutLog(File, mode);
        }
    }

    private SqliteSession Open(bool isFirst)
    {
        var connection = new SqliteConnection(isFirst ? _connectionString : _connectionStringOfExisting);
        try
        {
            connection.Open();
            var session = new SqliteSession(connection);
            if (!isFirst && IsAnother())
            {
                throw SqliteFailure.Moved(File);
            }

            session.Run($"PRAGMA busy_timeout = {(long)_options.BusyTimeout.TotalMilliseconds}");
            return session;
        }
        catch (SqliteException exception) when (!isFirst && exception.SqliteErrorCode == SqliteFailure.CantOpen && !System.IO.File.Exists(_path))
        {
            connection.Dispose();
            throw SqliteFailure.Moved(File);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether what was opened just now is another file than the one that was opened first: somebody put it in its place, and what is in it is none of what
    /// was saved here.
    /// </summary>
    private bool IsAnother()
    {
        lock (_gate)
        {
            return _witness is { } witness && _openFile.IsMoved(witness);
        }
    }

    /// <summary>Several processes may open a file at once: whoever comes first migrates, the others find it done.</summary>
    private void Migrate(SqliteSession session)
    {
        if (VersionOf(session) == _migrations.Count)
        {
            return;
        }

        session.Run("BEGIN IMMEDIATE");
        try
        {
            var found = VersionOf(session);
            ThrowIfNewer(found);
            foreach (var migration in _migrations.Skip((int)found))
            {
                session.Run(migration);
            }

            session.Run("CREATE TABLE IF NOT EXISTS conductor_schema (version INTEGER NOT NULL); DELETE FROM conductor_schema");
            session.Execute("INSERT INTO conductor_schema (version) VALUES ($1)", (long)_migrations.Count);
            session.Run("COMMIT");
            Log.Migrated(_logger, File, found, _migrations.Count);
        }
        catch
        {
            session.TryRun("ROLLBACK");
            throw;
        }
    }

    /// <summary>The version that is written down; 0 where no table of this library is.</summary>
    private long VersionOf(SqliteSession session)
    {
        if (session.Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'conductor_schema'") == 0)
        {
            return 0;
        }

        return session.Column<object>("SELECT version FROM conductor_schema") is [long and > 0 and var version]
            ? version
            : throw new StateException(
                ErrorCodes.StateCorrupt, $"'{File}' is damaged: conductor_schema does not say which version its tables have. Restore it from a backup.")
            {
                Key = File,
            };
    }

    private void ThrowIfNewer(long found)
    {
        if (found > _migrations.Count)
        {
            throw new StateException(
                ErrorCodes.StateIncompatible,
                $"'{File}' has schema version {found}; this version of Conductor.Sqlite knows up to {_migrations.Count}. Update the Conductor " +
                    "packages of this program.")
            {
                Key = File,
            };
        }
    }
}
