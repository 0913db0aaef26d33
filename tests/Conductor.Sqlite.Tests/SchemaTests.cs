using Conductor.Diagnostics;
using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

public sealed class SchemaTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Connect_NewerSchema_IsRefusedWithBothVersions()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        await RunAsync("UPDATE conductor_schema SET version = 99");
        var act = () => _folder.OpenAsync();
        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateIncompatible);
        thrown.Message.Should().Contain("version 99").And.Contain($"up to {SqliteSchema.Migrations.Count}").And.Contain("Update").And.Contain(_folder.Database);
    }

    [Theory]
    [InlineData("UPDATE conductor_schema SET version = -1")]
    [InlineData("UPDATE conductor_schema SET version = 0")]
    [InlineData("UPDATE conductor_schema SET version = 'one'")]
    [InlineData("DELETE FROM conductor_schema")]
    [InlineData("INSERT INTO conductor_schema VALUES (1)")]
    [InlineData("ALTER TABLE conductor_schema RENAME COLUMN version TO other")]
    [InlineData("DROP TABLE conductor_schema")]
    public async Task Connect_SchemaVersionDamaged_IsStateCorrupt(string damage)
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        await RunAsync(damage);
        var act = () => _folder.OpenAsync();
        var thrown = (await act.Should().ThrowAsync<StateException>()).Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        thrown.Message.Should().Contain("damaged").And.Contain(_folder.Database);
    }

    [Theory]
    [InlineData("DROP TABLE conductor_task_results")]
    [InlineData("ALTER TABLE conductor_task_results RENAME COLUMN record TO other")]
    public async Task ReadOrSave_TableThatIsNotAsItWas_IsStateCorrupt(string damage)
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        await RunAsync(damage);
        await using var store = await _folder.OpenAsync();
        var read = () => store.GetTaskResultAsync("t").AsTask();
        var save = () => store.SaveTaskResultAsync(Records.Result("t")).AsTask();
        (await read.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        (await save.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
    }

    [Fact]
    public async Task Connect_AfterDispose_IsRefused()
    {
        var store = await _folder.OpenAsync();
        await store.DisposeAsync();
        await FluentActions.Awaiting(() => store.ConnectAsync().AsTask()).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task Connect_OlderSchema_IsMigratedAndKeepsItsData()
    {
        await using (var before = await _folder.OpenAsync())
        {
            await before.SaveTaskResultAsync(Records.Result("t"));
        }

        string[] migrations = [.. SqliteSchema.Migrations, "ALTER TABLE conductor_task_results ADD COLUMN note TEXT NULL"];
        var stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var store = new SqliteStateManager(_folder.Options(), environment: null, retention: null, serializer: null, migrations);
            await store.ConnectAsync();
            return store;
        })));
        (await stores[3].GetTaskResultAsync("t")).Should().NotBeNull();
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }

        (await ScalarAsync("SELECT version FROM conductor_schema")).Should().Be(migrations.Length);
        (await ScalarAsync("SELECT count(*) FROM pragma_table_info('conductor_task_results') WHERE name = 'note'")).Should().Be(1L);
    }

    [Fact]
    public async Task Connect_MigrationFails_ChangesNothing()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        var store = new SqliteStateManager(
            _folder.Options(), ConductorEnvironment.Default, retention: null, serializer: null, [.. SqliteSchema.Migrations,
                "CREATE TABLE half (a); this is no SQL"]);
        await FluentActions.Awaiting(() => store.ConnectAsync().AsTask()).Should().ThrowAsync<StateException>();
        (await ScalarAsync("SELECT count(*) FROM sqlite_master WHERE name = 'half'")).Should().Be(0L);
        await (await _folder.OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Connect_FileWithTablesOfTheUser_LeavesThemAlone()
    {
        await RunAsync("CREATE TABLE mine (a); INSERT INTO mine VALUES (1); PRAGMA user_version = 7");
        await using var store = await _folder.OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("t"));
        (await ScalarAsync("SELECT a FROM mine")).Should().Be(1L);
        (await ScalarAsync("PRAGMA user_version")).Should().Be(7L);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("Data Source=:memory:", "names no file")]
    [InlineData("Mode=Memory;Data Source=x", "names no file")]
    [InlineData("Data Source=file:any?mode=memory&cache=shared", "names no file")]
    [InlineData("No Such Keyword=1", "is no connection string")]
    public void Constructor_NoFile_NamesTheSettingAndTheFix(string connectionString, string problem)
    {
        var act = () => new SqliteStateManager(new SqliteStateOptions { ConnectionString = connectionString });
        act.Should().Throw<ArgumentException>().Which.Message.Should()
            .Contain("SqliteStateOptions.ConnectionString").And.Contain(problem).And.Contain("conductor.db");
    }

    [Theory]
    [InlineData("Mode=ReadOnly", "Mode=ReadOnly")]
    [InlineData("Mode=ReadWrite", "Mode=ReadWrite")]
    [InlineData("Cache=Shared", "Cache=Shared")]
    [InlineData("Password=secret", "Password")]
    public void Constructor_ConnectionStringThatCannotWork_NamesTheSettingAndTheFix(string setting, string problem)
    {
        var act = () => new SqliteStateManager(_folder.Options(options => options.ConnectionString += $";{setting}"));
        act.Should().Throw<ArgumentException>().Which.Message.Should()
            .Contain($"SqliteStateOptions.ConnectionString has").And.Contain(problem).And.Contain("leave").And.NotContain("secret");
    }

    [Theory]
    [InlineData("?cache=shared")]
    [InlineData("?psow=1&c%61che=shared#any")]
    public void Constructor_AddressWithASharedCache_NamesTheSettingAndTheFix(string query)
    {
        var act = () => new SqliteStateManager(_folder.Options(options => options.ConnectionString = $"Data Source=file:{_folder.Database}{query}"));
        act.Should().Throw<ArgumentException>().Which.Message.Should().ContainAll("SqliteStateOptions.ConnectionString has", "cache=shared", "leave");
    }

    [Fact]
    public async Task Constructor_ReadWriteOfAFileThatExists_IsAccepted()
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        await using var store = await _folder.OpenAsync(static options => options.ConnectionString += ";Mode=ReadWrite");
        (await store.SaveTaskResultAsync(Records.Result("t"))).Should().Be(RecordOutcome.Recorded);
    }

    [Fact]
    public void Problems_EverythingWrong_NamesEachSetting() => new SqliteStateOptions
    {
        ConnectionString = "Data Source=x.db", BusyTimeout = TimeSpan.Zero, MaxGroupSize = 0, ReaderCount = -1, RetentionInterval = TimeSpan.Zero,
        Synchronous = (SqliteSynchronous)9,
    }.Problems("o").Should().HaveCount(5).And.OnlyContain(static problem =>
        problem.StartsWith("o.", StringComparison.Ordinal) && problem.Contains("set it to"));

    private async Task RunAsync(string sql) => await ScalarAsync(sql);

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new SqliteConnection(_folder.ConnectionString + ";Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }
}
