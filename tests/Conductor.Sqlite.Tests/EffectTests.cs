using System.Reflection;
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

    [Theory]
    [InlineData("Foreign Keys=True", true)]
    [InlineData("Foreign Keys=False", false)]
    public async Task RunAsync_ForeignKeyIsViolated_FailsWhereTheConnectionStringSaysSo(string setting, bool isRefused)
    {
        await using var store = await _folder.OpenAsync(options => options.ConnectionString += $";{setting}");
        var effects = (SqliteEffectStore)store.Effects;
        var effect = () => effects.RunAsync(
            new EffectKey("t:0", "t:0", "e"),
            static connection =>
            {
                using var command = connection.CreateCommand();
                command.CommandText = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a (id)); INSERT INTO b VALUES (42)";
                return command.ExecuteNonQuery();
            },
            CancellationToken.None).AsTask();
        if (isRefused)
        {
            (await effect.Should().ThrowAsync<SqliteException>()).WithMessage("*FOREIGN KEY*");
        }
        else
        {
            await effect.Should().NotThrowAsync();
        }
    }

    [Fact]
    public async Task OnceAsync_BlankKey_IsNamedAndRunsNothing()
    {
        var ran = 0;
        var values = await RunAsync(async task =>
        {
            (await FluentActions.Awaiting(() => task.OnceAsync(" ", _ => ++ran).AsTask()).Should().ThrowAsync<ArgumentException>()).WithParameterName("key");
            return ran;
        });
        values.Should().Equal(0);
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

    /// <summary>What it wrote is committed or gone before the record that it is done.</summary>
    [Theory]
    [InlineData("COMMIT")]
    [InlineData("ROLLBACK")]
    public async Task OnceAsync_EffectEndsTheTransaction_NamesItAndTheRuleAndRecordsNothing(string end)
    {
        var effects = 0;
        var values = await RunAsync(async task =>
        {
            (await FluentActions.Awaiting(() => task.OnceAsync("order", Effect).AsTask()).Should().ThrowAsync<InvalidOperationException>()).WithMessage(
                "The effect 'order' of 't:0' ended the transaction of the store, which is not its own: *Leave COMMIT and ROLLBACK to the store*");
            return await task.OnceAsync("order", _ => ++effects);
        });
        values.Should().Equal(2);

        int Effect(SqliteConnection connection)
        {
            Insert(connection, "order");
            using var command = connection.CreateCommand();
            command.CommandText = end;
            command.ExecuteNonQuery();
            return ++effects;
        }
    }

    /// <summary>The store's own file is as it was.</summary>
    [Fact]
    public async Task RunAsync_AnotherDatabaseOfTheEffectIsDamaged_ThrowsWhatThatSays()
    {
        var other = _folder.Database + ".prices";
        await File.WriteAllTextAsync(other, new string('x', 4_096));
        await using var store = await _folder.OpenAsync();
        var run = () => ((SqliteEffectStore)store.Effects).RunAsync(
            new EffectKey("t:0", "t:0", "e"),
            connection =>
            {
                Insert(connection, "order");
                using var prices = new SqliteConnection($"Data Source={other};Pooling=False");
                prices.Open();
                using var command = prices.CreateCommand();
                command.CommandText = "SELECT price FROM prices";
                return command.ExecuteScalar();
            },
            CancellationToken.None).AsTask();

        (await run.Should().ThrowAsync<SqliteException>()).WithMessage("*not a database*");
    }

    /// <summary>It is not the store's transaction that is behind.</summary>
    [Fact]
    public async Task RunAsync_AnotherDatabaseOfTheEffectHasChangedSinceItWasRead_RunsOnceAndThrowsWhatThatSays()
    {
        await using var store = await _folder.OpenAsync();
        var runs = 0;
        var run = () => ((SqliteEffectStore)store.Effects).RunAsync<int>(
            new EffectKey("t:0", "t:0", "e"),
            _ =>
            {
                runs++;
                throw new SqliteException("SQLITE_BUSY_SNAPSHOT of the prices", 5, 517);
            },
            CancellationToken.None).AsTask();

        (await run.Should().ThrowAsync<SqliteException>()).WithMessage("*of the prices");
        runs.Should().Be(1);
    }

    /// <summary>However much the effect disposes of between the error and the end of the delegate.</summary>
    [Fact]
    public async Task RunAsync_StoresFileHasNoMorePages_SaysThatItIsFull()
    {
        await using var store = await _folder.OpenAsync();
        await store.WriteAsync(
            static session => session.TryRun($"PRAGMA max_page_count = {session.Number("PRAGMA page_count")}"), CancellationToken.None, runsAlone: true);
        var run = () => ((SqliteEffectStore)store.Effects).RunAsync(
            new EffectKey("t:0", "t:0", "e"),
            static connection =>
            {
                using var good = connection.CreateCommand();
                good.CommandText = "SELECT 1";
                good.ExecuteScalar();
                Insert(connection, new string('x', 1_000_000));
                return 1;
            },
            CancellationToken.None).AsTask();

        var thrown = (await run.Should().ThrowAsync<StateException>()).Which;
        (thrown.ErrorCode, thrown.IsTransient).Should().Be((ErrorCodes.StateUnavailable, true));
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
        services.AddConductor()
            .AddAgent<string>(AgentType.Coding, async (task, token) => await task.OnceAsync("e", static (SqliteConnection _) => "never", token));
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        var act = async () => await conductor.DispatchAsync<string>(AgentType.Coding);
        (await act.Should().ThrowAsync<TaskFailedException>()).Which.Message.Should().Contain("UseSqlite");
    }

    /// <summary>As the documentation has it, for an effect that gives nothing.</summary>
    [Fact]
    public async Task OnceAsync_EffectWithoutAValue_RunsOnceOverTwoAttempts()
    {
        var attempts = 0;
        var values = await RunAsync(async task =>
        {
            await task.OnceAsync("order", connection => Insert(connection, "order"));
            return ++attempts < 2 ? throw new TimeoutException("after the effect") : attempts;
        });
        values.Should().Equal(2);
        (await RowsAsync()).Should().Equal("order");
    }

    /// <summary>Nothing is no number, and would be taken for 0.</summary>
    [Fact]
    public async Task OnceAsync_NothingIsRecordedUnderTheKey_IsNullOrOfAnotherType()
    {
        var values = await RunAsync(async task =>
        {
            await task.OnceAsync("nothing", static (SqliteConnection _) => (string?)null);
            (await FluentActions.Awaiting(() => task.OnceAsync("nothing", static (SqliteConnection _) => 42).AsTask())
                .Should().ThrowAsync<TaskValidationException>()).WithMessage("*empty*Int32*");
            (await task.OnceAsync("nothing", static (SqliteConnection _) => (int?)42)).Should().BeNull();
            return (await task.OnceAsync("nothing", static (SqliteConnection _) => "again")) is null ? 1 : 0;
        });
        values.Should().Equal(1);
    }

    /// <summary>Its transaction would be committed, with a task for a value, before it has ended: it must not even begin.</summary>
    [Fact]
    public async Task OnceAsync_EffectGivesATask_DoesNotRunIt()
    {
        var effects = 0;
        await RunAsync(async task =>
        {
            await RefusedAsync(task, _ => Task.FromResult(++effects));
            await RefusedAsync(task, _ => (Task)Task.FromResult(++effects));
            await RefusedAsync(task, _ => new ValueTask<int>(++effects));
            await RefusedAsync(task, _ => new ValueTask(Task.FromResult(++effects)));
            return 0;
        });
        effects.Should().Be(0);
    }

    [Fact]
    public async Task OnceAsync_EffectGivesATaskAsAnObject_RecordsNothingOfIt()
    {
        var values = await RunAsync(async task =>
        {
            await RefusedAsync<object>(task, connection =>
            {
                Insert(connection, "refused");
                return Task.FromResult(1);
            });
            return await task.OnceAsync("effect", connection =>
            {
                Insert(connection, "kept");
                return 2;
            });
        });
        values.Should().Equal(2);
        (await RowsAsync()).Should().Equal("kept");
    }

    /// <summary>An <c>async void</c> goes on after the transaction just as well.</summary>
    [Fact]
    public async Task OnceAsync_EffectIsAnAsyncVoid_DoesNotRunIt()
    {
        var effects = 0;
#pragma warning disable VSTHRD101, AsyncFixer03, MA0155 // What is tested.
        Action<SqliteConnection> effect = async _ =>
        {
            effects++;
            await Task.Yield();
        };
#pragma warning restore VSTHRD101, AsyncFixer03, MA0155
        await RunAsync(async task =>
        {
            var act = async () => await task.OnceAsync("effect", effect);
            (await act.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain("'effect'").And.Contain("asynchronous");
            return 0;
        });
        effects.Should().Be(0);
    }

    /// <summary>The compiler says so where such an effect is written.</summary>
    [Fact]
    public void OnceAsync_OverloadsForAsynchronousEffects_AreErrors()
    {
        var overloads = typeof(SqliteTaskContextExtensions).GetMethods()
            .Where(static method => method.Name == nameof(SqliteTaskContextExtensions.OnceAsync))
            .ToLookup(static method => method.GetCustomAttribute<ObsoleteAttribute>() is { IsError: true },
                static method => method.GetParameters()[2].ParameterType.GenericTypeArguments[^1].Name);
        overloads[true].Should().BeEquivalentTo("Task", "Task`1", "ValueTask", "ValueTask`1");
        overloads[false].Should().BeEquivalentTo("T", nameof(SqliteConnection));
    }

    /// <summary>A caller that is generic itself: the compiler cannot know.</summary>
    private static async Task RefusedAsync<T>(TaskContext task, Func<SqliteConnection, T> effect)
    {
        var act = async () => await task.OnceAsync("effect", effect);
        (await act.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain("'effect'").And.Contain("asynchronous");
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
        services.AddConductor(static options => options.Retry.InitialDelay = TimeSpan.FromMilliseconds(1)).AddAgent<int>(
            AgentType.Coding, (task, _) => run(task)).UseSqlite(_folder.ConnectionString, static options => options.BusyTimeout = TimeSpan.FromSeconds(5));
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
