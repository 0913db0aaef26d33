using Conductor.Diagnostics;

namespace Conductor.Sqlite.Tests;

/// <summary>A folder that is gone after the test, and the database in it.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("conductor-sqlite-");

    public string Database => Path.Combine(_folder.FullName, "conductor.db");

    public string ConnectionString => $"Data Source={Database}";

    /// <summary>Settings for the database in the folder. Synchronous is normal: tests of the disk say otherwise.</summary>
    public SqliteStateOptions Options(Action<SqliteStateOptions>? configure = null)
    {
        var options = new SqliteStateOptions { ConnectionString = ConnectionString, Synchronous = SqliteSynchronous.Normal };
        configure?.Invoke(options);
        return options;
    }

    public async Task<SqliteStateManager> OpenAsync(
        Action<SqliteStateOptions>? configure = null, RetentionOptions? retention = null, ConductorEnvironment? environment = null)
    {
        var store = new SqliteStateManager(Options(configure), environment, retention);
        await store.ConnectAsync();
        return store;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
