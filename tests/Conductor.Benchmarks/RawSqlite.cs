using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Conductor.Benchmarks;

/// <summary>
/// What this disk and SQLite allow: callers that each wait for their save, one thread that writes what waits in one transaction with prepared
/// statements, and nothing else. No JSON, no versions, no leases.
/// </summary>
internal sealed class RawSqlite : IDisposable
{
    private const int MaxGroupSize = 256;

    private readonly SqliteConnection _connection;
    private readonly List<(SqliteCommand Command, bool IsUpdate)> _statements = [];
    private readonly Queue<(int Number, byte[][] Rows, TaskCompletionSource Saved)> _waiting = new();
    private readonly int _callers;
    private bool _stopping;

    private RawSqlite(string path, RawWrite[] writes, int callers)
    {
        _callers = callers;
        _connection = new SqliteConnection($"Data Source={path};Pooling=False");
        _connection.Open();
        Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        for (var i = 0; i < writes.Length; i++)
        {
            Run($"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record BLOB NOT NULL)");
            for (var row = 0; writes[i].IsUpdate && row < callers; row++)
            {
                Run($"INSERT INTO t{i} (key, record) VALUES ('row-{row}', zeroblob({writes[i].Bytes}))");
            }

            var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Table names of this class.
            command.CommandText =
                writes[i].IsUpdate ? $"UPDATE t{i} SET record = $record WHERE key = $key" : $"INSERT INTO t{i} (key, record) VALUES ($key, $record)";
#pragma warning restore CA2100
            command.Parameters.Add("$key", SqliteType.Text);
            command.Parameters.Add("$record", SqliteType.Blob);
            command.Prepare();
            _statements.Add((command, writes[i].IsUpdate));
        }
    }

    public static async Task<double> RateAsync(string path, RawWrite[] writes, int callers, int count)
    {
        using var raw = new RawSqlite(path, writes, callers);
        var writer = new Thread(raw.Write);
        writer.Start();
        var startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var rows = writes.Select(static write => new byte[write.Bytes]).ToArray();
            for (var i = 0; i < count / callers; i++)
            {
                var number = (caller * (count / callers)) + i;

                // SQLite skips rows that did not change.
                Array.ForEach(rows, row => BitConverter.TryWriteBytes(row, number + 1));
                await raw.SaveAsync(number, rows);
            }
        })));
        var rate = count / Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        raw.Stop();
        writer.Join();
        return rate;
    }

    public void Dispose()
    {
        _statements.ForEach(static statement => statement.Command.Dispose());
        _connection.Dispose();
    }

    private Task SaveAsync(int number, byte[][] rows)
    {
        var saved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waiting)
        {
            _waiting.Enqueue((number, rows, saved));
            Monitor.Pulse(_waiting);
        }

        return saved.Task;
    }

    private void Stop()
    {
        lock (_waiting)
        {
            _stopping = true;
            Monitor.Pulse(_waiting);
        }
    }

    private void Write()
    {
        var group = new List<(int Number, byte[][] Rows, TaskCompletionSource Saved)>();
        while (Take(group))
        {
            using (var transaction = _connection.BeginTransaction())
            {
                foreach (var (number, rows, _) in group)
                {
                    for (var table = 0; table < _statements.Count; table++)
                    {
                        var (command, isUpdate) = _statements[table];
                        command.Transaction = transaction;
                        command.Parameters[0].Value = isUpdate ? $"row-{number % _callers}" : $"0000-some-task-id-{number:000000000}";
                        command.Parameters[1].Value = rows[table];
                        command.ExecuteNonQuery();
                    }
                }

                transaction.Commit();
            }

            group.ForEach(static save => save.Saved.SetResult());
            group.Clear();
        }
    }

    private bool Take(List<(int Number, byte[][] Rows, TaskCompletionSource Saved)> group)
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0)
            {
                if (_stopping)
                {
                    return false;
                }

                Monitor.Wait(_waiting);
            }

            while (group.Count < MaxGroupSize && _waiting.TryDequeue(out var next))
            {
                group.Add(next);
            }

            return true;
        }
    }

    private void Run(string sql)
    {
        using var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
