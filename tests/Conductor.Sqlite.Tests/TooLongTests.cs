using Conductor.Agents;
using Conductor.Sqlite.Database;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using SQLitePCL;

namespace Conductor.Sqlite.Tests;

/// <summary>What SQLite can never take is no trouble with the store: it is refused once, and not tried for ever.</summary>
public sealed class TooLongTests : IDisposable
{
    private const int Limit = 100_000;

    private static readonly string _tooLong = new('x', Limit);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_OutputOrNoteIsTooLong_FailsItsTaskOnce(bool isNote)
    {
        var attempts = 0;
        await using var provider = Build((task, _) =>
        {
            attempts++;
            task.SetMetadata("note", isNote ? _tooLong : "short");
            return new ValueTask<string>(isNote ? "short" : _tooLong);
        });
        await using var conductor = await provider.StartConductorAsync();

        var run = await conductor.Workflows.RunWorkflowAsync(Definition()).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        var error = run.TaskResults["t"].Error!;
        error.Code.Should().Be(ErrorCodes.TaskValidationFailed);
        error.Message.Should().ContainAll("TaskResult", "100,", "99,900", "Keep large data elsewhere");
        (run.Status, attempts).Should().Be((WorkflowStatus.Failed, 1));
    }

    [Fact]
    public async Task Start_InputIsTooLong_IsRefused()
    {
        await using var provider = Build(static (_, _) => new ValueTask<string>("never"));
        await using var conductor = await provider.StartConductorAsync();

        var act = () => conductor.Workflows.StartWorkflowAsync(Definition(_tooLong)).AsTask();

        (await act.Should().ThrowAsync<TaskValidationException>()).Which.Message.Should().Contain("99,900");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnceAsync_ValueIsTooLong_FailsItsTask(bool isInTransaction)
    {
        await using var provider = Build(async (task, token) => isInTransaction
            ? await task.OnceAsync("e", (SqliteConnection _) => _tooLong, token)
            : await task.OnceAsync("e", _ => new ValueTask<string>(_tooLong), token));
        await using var conductor = await provider.StartConductorAsync();

        var result = await conductor.Coordinator.DispatchTaskAsync(new TaskDefinition { Id = "t", AgentType = AgentType.Coding });

        (result.Error!.Code, result.Attempts).Should().Be((ErrorCodes.TaskValidationFailed, 1));
        result.Error.Message.Should().Contain("99,900");
    }

    /// <summary>A record that just fits, with an id that does not fit beside it.</summary>
    [Fact]
    public async Task Save_RowIsTooLong_IsRefusedAndOthersAreSaved()
    {
        await using var store = await _folder.OpenAsync(static options => options.MaxRowLength = Limit);
        var save = () => store.SaveTaskResultAsync(Records.Result(new string('i', Limit / 2))).AsTask();
        var others = Enumerable.Range(0, 10).Select(i => store.SaveTaskResultAsync(Records.Result($"t{i}")).AsTask()).ToList();

        (await save.Should().ThrowAsync<TaskValidationException>()).Which.InnerException.Should().BeOfType<SqliteException>();

        (await Task.WhenAll(others)).Should().OnlyContain(static outcome => outcome == RecordOutcome.Recorded);
    }

    [Fact]
    public async Task MaxRecordLength_OfSqliteAsItIs_IsCloseToOneGigabyte()
    {
        var database = new SqliteDatabase(_folder.Options(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await Task.Run(() => database.OpenWriter(isFirst: true).Dispose());
        database.MaxRecordLength.Should().Be(999_000_000);
    }

    private static WorkflowDefinition Definition(string? input = null) => new()
    {
        Name = "w",
        Phases = [WorkflowPhase.Development],
        Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding, Input = input is null ? TaskData.Empty : input }],
    };

    private ServiceProvider Build(Func<TaskContext, CancellationToken, ValueTask<string>> run)
    {
        var services = new ServiceCollection();
        services.AddConductor().AddAgent(AgentType.Coding, run).UseSqlite(_folder.ConnectionString, static options => options.MaxRowLength = Limit);
        return services.BuildServiceProvider();
    }

    /// <summary>Until the next one of its kind comes, which may be long.</summary>
    [Fact]
    public async Task Save_LargeRecord_IsNotHeldByItsStatement()
    {
        await using var store = await _folder.OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("small"));
        await store.SaveTaskResultAsync(Records.Result("large", output: new string('x', 4_000_000)));

        var held = await store.WriteAsync(
            static session =>
            {
                raw.sqlite3_db_status(session.Connection.Handle, raw.SQLITE_DBSTATUS_STMT_USED, out var used, out _, 0);
                return used;
            },
            CancellationToken.None);

        held.Should().BeLessThan(1_000_000);
        (await store.GetTaskResultAsync("large"))!.Output.Get<string>().Should().HaveLength(4_000_000);
        (await store.SaveTaskResultAsync(Records.Result("next"))).Should().Be(RecordOutcome.Recorded);
    }
}
