using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>Statements on a connection of a test's own.</summary>
internal static class Commands
{
    public static async Task RunAsync(this SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
