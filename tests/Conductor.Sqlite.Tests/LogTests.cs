using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>The write-ahead log begins anew only when nobody reads from it.</summary>
public sealed class LogTests : IDisposable
{
    private const long MaxLength = 1_000_000;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly AgentState _state = new() { AgentId = "a", AgentType = AgentType.Coding, CurrentTaskId = new string('x', 50_000) };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Reads_OverlapWithoutAPause_TheLogBeginsAnew()
    {
        await using var store = await OpenAsync(TimeSpan.FromSeconds(20));
        using var first = new HeldRead(store);
        first.AwaitBegun();
        var grown = await SaveAsync(store, 60);
        grown.Should().BeGreaterThan(MaxLength);
        using var second = new HeldRead(store);

        first.Release();
        second.AwaitBegun();
        await SaveAsync(store, 1);

        // The second is still under way, as another would be by the time it ends. What counts is where the log ends, and not how long its file is.
        (await FramesAsync()).Should().BeLessThan(100);
        second.Release();
        await Task.WhenAll(first.Over, second.Over).WaitAsync(_limit);
    }

    /// <summary>One that takes long is not to hold up all others for as long.</summary>
    [Fact]
    public async Task Reads_ALongOneIsUnderWay_OthersGoOn()
    {
        await using var store = await OpenAsync(TimeSpan.FromMilliseconds(1));
        using var first = new HeldRead(store);
        first.AwaitBegun();
        (await SaveAsync(store, 60)).Should().BeGreaterThan(MaxLength);

        for (var i = 0; i < 10; i++)
        {
            (await store.GetAgentStateAsync("a").AsTask().WaitAsync(_limit)).Should().NotBeNull();
            await SaveAsync(store, 1);
        }

        first.Release();
        await first.Over.WaitAsync(_limit);
    }

    [Fact]
    public async Task Disconnect_WhileReadsAreHeldUp_DoesThemFirst()
    {
        var store = await OpenAsync(TimeSpan.FromMinutes(5));
        using var first = new HeldRead(store);
        first.AwaitBegun();
        await SaveAsync(store, 60);
        var waiting = store.GetAgentStateAsync("a").AsTask();

        var disposing = store.DisposeAsync().AsTask();
        first.Release();

        await disposing.WaitAsync(_limit);
        (await waiting.WaitAsync(_limit)).Should().NotBeNull();
    }

    private Task<SqliteStateManager> OpenAsync(TimeSpan hold) => _folder.OpenAsync(options =>
    {
        (options.MaxLogLength, options.LogCheckInterval, options.FirstReadHold) = (MaxLength, TimeSpan.Zero, hold);
        options.ReaderCount = 2;
    });

    /// <returns>How long the file of the log is then.</returns>
    private async Task<long> SaveAsync(SqliteStateManager store, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await store.SaveAgentStateAsync(_state, StateExpectation.Any);
        }

        return new FileInfo(_folder.Database + "-wal").Length;
    }

    private async Task<long> FramesAsync()
    {
        await using var connection = new SqliteConnection($"{_folder.ConnectionString};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
        await using var row = await command.ExecuteReaderAsync();
        (await row.ReadAsync()).Should().BeTrue();
        return row.GetInt64(1);
    }
}
