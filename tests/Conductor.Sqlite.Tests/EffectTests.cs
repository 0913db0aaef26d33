using Conductor.Agents;
using Conductor.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>Effects that join the store's transaction.</summary>
public sealed class EffectTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OnceAsync_EffectFailsAndIsTriedAgain_LeavesOneRowAndOneValue()
    {
        var attempts = 0;
        var values = await RunAsync(task => task.OnceAsync("order", connection =>
        {
            Insert(connection, $"order {task.IdempotencyKey}");
            return ++attempts < 3 ? throw new IOException("inside the effect") : attempts;
        }));
        values.Should().Equal(3);
        (await RowsAsync()).Should().Equal("order t:0");
    }

    /// <summary>What a store refuses changes nothing; an effect that says the same has written before.</summary>
    [Theory]
    [InlineData(ErrorCodes.StateConflict)]
    [InlineData(ErrorCodes.LeaseLost)]
    public async Task OnceAsync_EffectFailsAsAStoreRefuses_LeavesOneRow(string code)
    {
        var attempts = 0;
        var values = await RunAsync(task => task.OnceAsync("order", connection =>
        {
            Insert(connection, "order");
            return ++attempts < 3 ? throw new StateException(code, "of the effect itself") { IsTransient = true } : attempts;
        }));
        values.Should().Equal(3);
        (await RowsAsync()).Should().HaveCount(1);
    }

    [Fact]
    public async Task OnceAsync_EffectDisposesTheConnection_FailsAndTheStoreGoesOn()
    {
        var values = await RunAsync(async task =>
        {
            var bad = async () => await task.OnceAsync("bad", static connection =>
            {
                Insert(connection, "bad");
                connection.Dispose();
                return 0;
            });
            await bad.Should().ThrowAsync<Exception>();
            return await task.OnceAsync("good", static connection =>
            {
                Insert(connection, "good");
                return 7;
            });
        });
        values.Should().Equal(7);
        (await RowsAsync()).Should().Equal("good");
    }

    /// <summary>It still reads what was, and nothing can be written from there once another has written.</summary>
    [Fact]
    public async Task OnceAsync_EffectLeavesAReaderOpen_TheStoreGoesOn()
    {
        List<IDisposable> left = [];
        var values = await RunAsync(async task =>
        {
            await task.OnceAsync("bad", connection =>
            {
                Insert(connection, "bad");
                var command = connection.CreateCommand();
                command.CommandText = "SELECT text FROM orders";
                var reader = command.ExecuteReader();
                reader.Read();
                left.AddRange([reader, command]);
                return 0;
            });
            using (var other = new SqliteConnection($"{_folder.ConnectionString};Pooling=False"))
            {
                await other.OpenAsync();
                Insert(other, "another's");
            }

            return await task.OnceAsync("good", static connection =>
            {
                Insert(connection, "good");
                return 7;
            }).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        });
        values.Should().Equal(7);
        (await RowsAsync()).Should().BeEquivalentTo("bad", "another's", "good");
        left.Should().HaveCount(2);
    }

    [Fact]
    public async Task OnceAsync_AttemptAfterTheEffect_GetsTheRecordedValue()
    {
        var (attempts, effects) = (0, 0);
        var values = await RunAsync(async task =>
        {
            var value = await task.OnceAsync("order", connection =>
            {
                Insert(connection, "order");
                return ++effects;
            });
            return ++attempts < 3 ? throw new TimeoutException("after the effect") : value;
        });
        values.Should().Equal(1);
        attempts.Should().Be(3);
        effects.Should().Be(1);
        (await RowsAsync()).Should().HaveCount(1);
    }

    [Fact]
    public async Task OnceAsync_AnotherStore_NamesTheFix()
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent<string>(AgentType.Coding, async (task, token) => await task.OnceAsync("e", static (SqliteConnection _) => "never", token));
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        var act = async () => await conductor.DispatchAsync<string>(AgentType.Coding);
        (await act.Should().ThrowAsync<TaskFailedException>()).Which.Message.Should().Contain("UseSqlite");
    }

    private static void Insert(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE IF NOT EXISTS orders (text); INSERT INTO orders VALUES ($text)";
        command.Parameters.AddWithValue("$text", text);
        command.ExecuteNonQuery();
    }

    private async Task<List<int>> RunAsync(Func<TaskContext, ValueTask<int>> run)
    {
        var services = new ServiceCollection();
        services.AddConductor(static options => options.Retry.InitialDelay = TimeSpan.FromMilliseconds(1)).AddAgent<int>(AgentType.Coding, (task, _) => run(task)).UseSqlite(_folder.ConnectionString, static options => options.BusyTimeout = TimeSpan.FromSeconds(5));
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding });
        return [result.EnsureSucceeded().Output.Get<int>()];
    }

    private async Task<List<string>> RowsAsync()
    {
        await using var store = await _folder.OpenAsync(environment: ConductorEnvironment.Default);
        return await store.ReadAsync(static session => session.Column<string>("SELECT text FROM orders"), CancellationToken.None);
    }
}
