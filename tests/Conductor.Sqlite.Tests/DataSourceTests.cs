using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>Which file a connection string names: the one that Microsoft.Data.Sqlite opens with it, wherever the program goes meanwhile.</summary>
public sealed class DataSourceTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("|DataDirectory|conductor.db")]
    [InlineData("|datadirectory|conductor.db")]
    [InlineData("conductor.db")]
    public async Task Connect_DataDirectoryIsSet_OpensTheFileOfMicrosoftDataSqlite(string source)
    {
        AppDomain.CurrentDomain.SetData("DataDirectory", Path.GetDirectoryName(_folder.Database));
        try
        {
            await using (var own = new SqliteConnection($"Data Source={source};Pooling=False"))
            {
                await own.OpenAsync();
                await own.RunAsync("CREATE TABLE mine (a)");
            }

            await using var store = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source={source};Mode=ReadWrite");
            (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM sqlite_master WHERE name = 'mine'"), CancellationToken.None))
                .Should().Be(1);
        }
        finally
        {
            AppDomain.CurrentDomain.SetData("DataDirectory", null);
        }
    }

    /// <summary>Connections after the first may make no file, and an address must not ask for more than its connection may.</summary>
    [Fact]
    public async Task Connect_AddressThatMayMakeTheFile_IsReadAndWritten()
    {
        await using var store = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source=file:{_folder.Database}?mode=rwc");
        await store.SaveTaskResultAsync(Records.Result("t"));
        (await store.GetTaskResultAsync("t")).Should().NotBeNull();
    }
}
