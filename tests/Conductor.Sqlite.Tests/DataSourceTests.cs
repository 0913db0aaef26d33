using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

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

    /// <summary>A program that changes its working folder goes on with the same file.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("?cache=private")]
    public async Task Connect_RelativeAddress_IsMadeAbsolute(string query)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), _folder.Database + " 100%?#").Replace('\\', '/');
        var escaped = relative.Replace("%", "%25", StringComparison.Ordinal).Replace("?", "%3f", StringComparison.Ordinal)
            .Replace("#", "%23", StringComparison.Ordinal);
        await using var store = await _folder.OpenAsync(options => options.ConnectionString = $"Data Source=file:{escaped}{query}");
        await store.SaveTaskResultAsync(Records.Result("t"));

        var source = await store.ReadAsync(static session => new SqliteConnectionStringBuilder(session.Connection.ConnectionString).DataSource, default);

        source.Should().StartWith("file:///").And.EndWith(query).And.NotContain("..");
        File.Exists(_folder.Database + " 100%?#").Should().BeTrue();
    }

    [Theory]
    [InlineData("file:")]
    [InlineData("file:?cache=private")]
    [InlineData("file://")]
    [InlineData("file:%00any")]
    [InlineData("file::memory:")]
    [InlineData("file:any?vfs=memdb")]
    [InlineData("file:any?psow=1&mode=memory")]
    [InlineData("any;Vfs=memdb")]
    public void New_AddressOfNoFile_NamesTheSettingAndTheFix(string source)
    {
        var act = () => new SqliteStateManager(new SqliteStateOptions { ConnectionString = $"Data Source={source}" });

        act.Should().Throw<ArgumentException>().Which.Message.Should().ContainAll("SqliteStateOptions.ConnectionString", "names no file", "conductor.db");
    }

    /// <summary>What stands beside the name may be a secret.</summary>
    [Fact]
    public void File_OfAnAddress_IsThePathAlone() =>
        new SqliteDatabase(_folder.Options(options => options.ConnectionString = $"Data Source=file:{_folder.Database}?key=secret"), NullLogger.Instance)
            .File.Should().Be(_folder.Database);

    /// <summary>Without locks, or shared memory, there is no write-ahead log: reads would hold up saves, or two processes damage the file.</summary>
    [Theory]
    [InlineData("nolock=1")]
    [InlineData("vfs=unix-none")]
    public async Task Connect_FileThatCannotHaveAWriteAheadLog_SaysSo(string query)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var act = () => _folder.OpenAsync(options => options.ConnectionString = $"Data Source=file:{_folder.Database}?{query}");

        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;

        thrown.ErrorCode.Should().Be(ErrorCodes.StateUnavailable);
        thrown.IsTransient.Should().BeFalse();
        thrown.Message.Should().ContainAll(_folder.Database, "write-ahead", "delete", "nolock");
    }
}
