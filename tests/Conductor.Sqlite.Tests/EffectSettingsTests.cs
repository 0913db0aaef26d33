using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>An effect gets the writer's own connection, and the writer goes on with it: what the effect sets there ends with the effect.</summary>
public sealed class EffectSettingsTests : IDisposable
{
    private const string ForbidWrites = "PRAGMA query_only = ON";

    private static readonly EffectKey _key = new("t:0", "t:0", "order");

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsync_EffectForbidsWrites_TheStoreGoesOn(bool throws)
    {
        await using var store = await _folder.OpenAsync();
        var run = RunAsync(store, connection =>
        {
            Run(connection, ForbidWrites);
            return throws ? throw new IOException("of the effect") : "done";
        });

        if (throws)
        {
            (await run.Should().ThrowAsync<IOException>()).WithMessage("of the effect");
        }
        else
        {
            await run.Should().NotThrowAsync();
            (await store.Effects.GetAsync(_key))!.Get<string>().Should().Be("done");
        }

        (await store.SaveTaskResultAsync(Records.Result("next"))).Should().Be(RecordOutcome.Recorded);
    }

    /// <summary>It would keep the file from the store's own reads, and from every other process, until the program ends.</summary>
    [Fact]
    public async Task RunAsync_EffectTakesTheFileForItself_OthersReadAndWriteIt()
    {
        await using var store = await _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromSeconds(1));
        await using var other = await _folder.OpenAsync(static options => options.BusyTimeout = TimeSpan.FromSeconds(1));

        await RunAsync(store, static connection =>
        {
            Run(connection, "PRAGMA locking_mode = EXCLUSIVE");
            return "done";
        }).Should().NotThrowAsync();

        await store.SaveTaskResultAsync(Records.Result("first"));
        (await store.GetTaskResultAsync("first")).Should().NotBeNull();
        (await other.SaveTaskResultAsync(Records.Result("second"))).Should().Be(RecordOutcome.Recorded);
    }

    private static Func<Task> RunAsync(SqliteStateManager store, Func<SqliteConnection, string> effect) =>
        () => ((SqliteEffectStore)store.Effects).RunAsync(_key, effect, CancellationToken.None).AsTask();

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of these tests.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
