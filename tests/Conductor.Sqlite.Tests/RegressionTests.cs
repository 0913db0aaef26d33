using Microsoft.Data.Sqlite;

namespace Conductor.Sqlite.Tests;

/// <summary>Bugs that were found, each with the least that shows it.</summary>
public sealed class RegressionTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task CommitWorkflow_ResultOfAnEarlierRoundAfterALaterOne_LeavesTheRunReadable()
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Step(0, Records.Result("t", "run", "later") with { Round = 1 }));
        await store.CommitWorkflowAsync(Step(1, Records.Result("t", "run", "earlier")));
        (await store.GetWorkflowStateAsync("run"))!.TaskResults["t"].Output.Get<string>().Should().Be("earlier", "it came last, as in memory");
        (await store.GetTaskResultAsync("run", "t", 1))!.Output.Get<string>().Should().Be("later");
    }

    [Fact]
    public async Task SaveTaskResult_OfAnEarlierRoundAfterALaterOne_LeavesTheRunReadable()
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("run", 0));
        await store.SaveTaskResultAsync(Records.Result("t", "run", "later") with { Round = 1 });
        await store.SaveTaskResultAsync(Records.Result("t", "run", "earlier"));
        (await store.GetWorkflowStateAsync("run"))!.TaskResults["t"].Output.Get<string>().Should().Be("earlier");
    }

    [Fact]
    public async Task CommitWorkflow_ResultThatIsRecordedAlreadyInAnEarlierRound_ChangesNothing()
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Step(0, Records.Result("t", "run", "first")));
        await store.CommitWorkflowAsync(Step(1, Records.Result("t", "run", "second") with { Round = 1 }));
        await store.CommitWorkflowAsync(Step(2, Records.Result("t", "run", "first again")));
        (await store.GetWorkflowStateAsync("run"))!.TaskResults["t"].Output.Get<string>().Should().Be("second");
        (await store.GetTaskResultAsync("run", "t", 0))!.Output.Get<string>().Should().Be("first");
    }

    [Fact]
    public async Task SaveTaskResult_RecordedBeforeItsRunWasSavedWhole_IsNotRecordedTwice()
    {
        await using var store = await _folder.OpenAsync();
        await store.SaveTaskResultAsync(Records.Result("t", "run", "first"));
        await store.SaveWorkflowStateAsync(
            new WorkflowState { WorkflowId = "run", DefinitionName = "definition", Status = WorkflowStatus.InProgress, StartedAt = Records.Start });
        (await store.SaveTaskResultAsync(Records.Result("t", "run", "second"))).Should().Be(RecordOutcome.AlreadyRecorded);
        (await store.GetTaskResultAsync("run", "t", 0))!.Output.Get<string>().Should().Be("first");
        (await store.GetWorkflowStateAsync("run")).Should().NotBeNull();
    }

    [Fact]
    public async Task Connect_ManyAtOnceOnANewFile_AllSucceed()
    {
        for (var round = 0; round < 40; round++)
        {
            using var folder = new TempFolder();
            var stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => folder.OpenAsync())));
            foreach (var store in stores)
            {
                await store.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task CommitWorkflow_OfARunThatWasDeleted_SaysSo()
    {
        await using var store = await _folder.OpenAsync();
        var lease = (await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "owner", TimeSpan.FromSeconds(30)))!;
        await store.CommitWorkflowAsync(Records.Step("run", 0) with { Lease = lease });
        await store.DeleteWorkflowAsync("run");

        var act = () => store.CommitWorkflowAsync(Records.Step("run", 1) with { Lease = lease }).AsTask();

        var lost = (await act.Should().ThrowAsync<StateException>()).Which;

        (lost.ErrorCode, lost.Key).Should().Be((ErrorCodes.LeaseLost, "workflow:run"));
        lost.Message.Should().Contain("was deleted").And.NotContain("new owner");
    }

    [Fact]
    public async Task CommitWorkflow_OtherNameAndStart_IsListedByThem()
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("run", 0));
        var step = Records.Step("run", 1);
        await store.CommitWorkflowAsync(step with { Summary = step.Summary with { DefinitionName = "renamed", StartedAt = Records.Start.AddDays(1) } });

        var found = await store.ListWorkflowsAsync(new WorkflowQuery { DefinitionName = "renamed", StartedSince = Records.Start.AddHours(1) });
        found.Items.Should().ContainSingle();
        (await store.ListWorkflowsAsync(new WorkflowQuery { DefinitionName = "definition" })).Items.Should().BeEmpty();
    }

    [Fact]
    public async Task OnceAsync_StatementOfTheUserFails_ShowsItAsItIs()
    {
        await using var store = await _folder.OpenAsync();
        var effects = (SqliteEffectStore)store.Effects;
        var act = () => effects.RunAsync(new EffectKey("run", "run:t:0", "e"),
            static connection => Execute(connection, "CREATE TABLE u (a UNIQUE); INSERT INTO u VALUES (1), (1)"), CancellationToken.None).AsTask();
        (await act.Should().ThrowAsync<SqliteException>()).WithMessage("*u.a*");
        (await effects.GetAsync(new EffectKey("run", "run:t:0", "e"))).Should().BeNull();
    }

    [Theory]
    [InlineData("UPDATE conductor_workflows SET summary = NULL WHERE id = 'run'", true)]
    [InlineData("UPDATE conductor_workflows SET last_position = 'x' WHERE id = 'run'", true)]
    [InlineData("UPDATE conductor_results SET record = 'text'", true)]
    [InlineData("UPDATE conductor_results SET round = 5000000000", true)]
    [InlineData("UPDATE conductor_details SET record = 1 WHERE id = 1", true)]
    [InlineData("UPDATE conductor_events SET first_position = 9", false)]
    [InlineData("UPDATE conductor_task_results SET record = NULL", false)]
    [InlineData("UPDATE conductor_dead_letters SET record = 7", false)]
    [InlineData("UPDATE conductor_leases SET expires_at = 9223372036854775807", false)]
    public async Task Read_ValueThatWasNotWritten_IsStateCorrupt(string damage, bool isInRun)
    {
        await using (var store = await _folder.OpenAsync())
        {
            await store.CommitWorkflowAsync(Records.Step("run", 0));
            await store.SaveTaskResultAsync(Records.Result("t"));
            await store.SaveDeadLetterAsync(Records.Letter("d"));
            await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "o", TimeSpan.FromHours(1));
        }

        await using (var other = new SqliteConnection(_folder.ConnectionString + ";Pooling=False"))
        {
            await other.OpenAsync();

            // What a flipped bit does: the declarations of the columns do not stop it.
            Execute(other,
                "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(replace(sql, ' NOT NULL', ''), ' INTEGER NULL', '') WHERE " +
                "type = 'table' AND name LIKE 'conductor_%'; PRAGMA writable_schema = RESET");
            Execute(other, damage);
        }

        await using var damaged = await _folder.OpenAsync();
        Func<Task> read = isInRun
            ? async () =>
            {
                await damaged.GetWorkflowStateAsync("run");
                await damaged.GetWorkflowHistoryAsync("run");
            }
            : async () =>
            {
                await damaged.GetWorkflowHistoryAsync("run");
                await damaged.GetTaskResultAsync("t");
                await damaged.GetDeadLetterAsync("d");
                await damaged.Leases.GetAsync(StateManager.WorkflowKey("run"));
            };
        (await read.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
    }

    /// <summary>Its checksum is right: another program wrote it.</summary>
    [Fact]
    public async Task GetWorkflowHistory_StepWithANullForAnEvent_IsStateCorruptAndNamed()
    {
        await using var store = await _folder.OpenAsync();
        await store.CommitWorkflowAsync(Records.Step("run", 0));
        var record = new Conductor.Serialization.RecordCodec().Encode<WorkflowEvent[]>([null!]);
        await store.WriteAsync(session => session.Execute("UPDATE conductor_events SET record = $1", record), CancellationToken.None);

        var read = () => store.GetWorkflowHistoryAsync("run").AsTask();

        var thrown = (await read.Should().ThrowAsync<StateException>()).Which;
        thrown.ErrorCode.Should().Be(ErrorCodes.StateCorrupt);
        thrown.Key.Should().Be("workflow:run");
    }

    private static WorkflowTransition Step(long version, TaskResult result) =>
        new() { Summary = Records.Summary("run"), ExpectedVersion = version, Results = [result] };

    private static int Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteNonQuery();
    }
}
