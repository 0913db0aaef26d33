using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Conductor.Sqlite.Database;

/// <summary>One connection with its prepared statements. Used by one thread at a time.</summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    /// <summary>A value of more bytes is not kept with its statement, which holds what was bound last, and the parameter with it, until the next use.</summary>
    private const int Large = 1_048_576;

    /// <summary>By the text itself, not by what it says: every text is a constant, and hashing it would cost more than binding its values.</summary>
    private readonly Dictionary<string, SqliteCommand> _statements = new(ReferenceEqualityComparer.Instance);

    /// <summary>Statements that hold a large value.</summary>
    private readonly List<string> _large = [];

    /// <summary>Whether code of the user's left something open: it may still have it, and go on with it at any time.</summary>
    private bool _hadLeft;

    public SqliteConnection Connection { get; } = connection;

    /// <summary>Whether it can be used: code of the user's that gets the connection may close it.</summary>
    public bool IsOpen => Connection.State == System.Data.ConnectionState.Open;

    /// <summary>Whether it is outside a transaction.</summary>
    public bool IsAtRest => IsOpen && raw.sqlite3_get_autocommit(Connection.Handle) != 0;

    /// <summary>Where the file lies, without symbolic links (on Windows with them).</summary>
    public string? FileName => raw.sqlite3_db_filename(Connection.Handle, "main").utf8_to_string();

    /// <summary>Whether it can be used further: it is at rest, and nothing of the user's still runs on it, or did.</summary>
    public bool IsReusable => !_hadLeft && IsAtRest && !NativeSqlite.IsInTransaction(Connection.Handle!);

    /// <summary>SQLite's extended result code of what was run last.</summary>
    public int LastCode => raw.sqlite3_extended_errcode(Connection.Handle);

    /// <summary>Whether it was this connection that failed, and not one of the user's own to another database. To be asked before anything else runs.</summary>
    public bool IsOfThis(Exception exception) =>
        exception is SqliteException sqlite && IsOpen && (sqlite.SqliteExtendedErrorCode == LastCode || sqlite.SqliteErrorCode == (LastCode & 0xFF));

    /// <summary>Whether this connection, and not one of the user's own, reads what another has changed since. To be asked before anything else runs.</summary>
    public bool IsStale(SqliteException exception) => exception.SqliteExtendedErrorCode == SqliteFailure.StaleSnapshot && IsOfThis(exception);

    /// <summary>Runs a statement that gives nothing.</summary>
    /// <param name="sql">The statement, a constant; its parameters are <c>$1</c>, <c>$2</c> and so on.</param>
    /// <param name="values">The values of the parameters.</param>
    /// <returns>How many rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteNonQuery();

    /// <summary>The first column of the first row, or null when there is none.</summary>
    public object? Scalar(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteScalar() is { } value and not DBNull ? value : null;

    /// <summary>A record, or null when there is none. Something else in its place is damage, not nothing.</summary>
    public byte[]? Record(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteScalar() switch
    {
        null => null,
        byte[] record => record,
        var other => throw new InvalidCastException($"a record is stored as {other.GetType().Name}"),
    };

    /// <summary>A whole number, or 0 when there is none.</summary>
    public long Number(string sql, params ReadOnlySpan<object?> values) => Scalar(sql, values) as long? ?? 0;

    /// <summary>Rows; to be disposed before the statement is used again.</summary>
    public SqliteDataReader Query(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteReader();

    /// <summary>The first column of all rows.</summary>
    public List<T> Column<T>(string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = Query(sql, values);
        var column = new List<T>();
        while (rows.Read())
        {
            column.Add(rows.GetFieldValue<T>(0));
        }

        return column;
    }

    /// <summary>The first two columns of all rows.</summary>
    public List<(T1 First, T2 Second)> Pairs<T1, T2>(string sql, params ReadOnlySpan<object?> values)
    {
        using var rows = Query(sql, values);
        var pairs = new List<(T1 First, T2 Second)>();
        while (rows.Read())
        {
            pairs.Add((rows.IsDBNull(0) ? default! : rows.GetFieldValue<T1>(0), rows.IsDBNull(1) ? default! : rows.GetFieldValue<T2>(1)));
        }

        return pairs;
    }

    /// <summary>Runs a text of statements as it is, without the waiting and repeating of Microsoft.Data.Sqlite.</summary>
    /// <returns>SQLite's result code.</returns>
    public int TryRun(string sql) => raw.sqlite3_exec(Connection.Handle, sql);

    /// <summary>Runs a text of statements as it is.</summary>
    public void Run(string sql)
    {
        var code = TryRun(sql);
        if (code != raw.SQLITE_OK)
        {
            throw Failure(code);
        }
    }

    /// <summary>Ends what code of the user's began on the connection and left open. It is no longer <see cref="IsReusable"/> then.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool EndWhatWasLeft()
    {
        var any = IsOpen && NativeSqlite.EndStatements(Connection.Handle!);
        _hadLeft |= any;
        return any;
    }

    /// <summary>
    /// Undoes what code of the user's may have set on the connection and everybody would suffer from: that it does not write, or that nobody else may
    /// use the file.
    /// </summary>
    public void TakeBackSettings()
    {
        if (IsOpen)
        {
            TryRun("PRAGMA query_only = OFF; PRAGMA locking_mode = NORMAL");
        }
    }

    public SqliteException Failure(int code) => new(raw.sqlite3_errmsg(Connection.Handle).utf8_to_string(), code & 0xFF, code);

    /// <summary>Lets go of the large values of statements that are done.</summary>
    public void LetGoOfLarge()
    {
        foreach (var sql in _large)
        {
            if (_statements.Remove(sql, out var statement))
            {
                statement.Dispose();
            }
        }

        _large.Clear();
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        Connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> values)
    {
        if (!_statements.TryGetValue(sql, out var command))
        {
            _statements[sql] = command = Connection.CreateCommand();
#pragma warning disable CA2100 // Every text is a constant of this package; values are parameters.
            command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 1; i <= values.Length; i++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
            }
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
            if (values[i] is byte[] { Length: > Large })
            {
                _large.Add(sql);
            }
        }

        return command;
    }
}
