using Conductor.Agents;
using Conductor.Workflows;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Conductor.Sqlite.Tests;

/// <summary>A process was paused in a task for so long that its run is another's, or gone: what it does then is not recorded.</summary>
public sealed class LateEffectTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task OnceAsync_TheRunWasTakenOverOrIsGone_CommitsNothing(bool isGone, bool isInTransaction)
    {
        var (begun, goOn, thrown) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource<Exception?>());
        var services = new ServiceCollection();
        services.AddConductor()
            .AddAgent<int>(AgentType.Coding, async (task, _) =>
            {
                await EffectAsync(task, "before", isInTransaction);
                begun.TrySetResult();
                await goOn.Task;
                var exception = await Record.ExceptionAsync(() => EffectAsync(task, "after", isInTransaction));
                thrown.TrySetResult(exception);
                return exception is null ? 1 : throw exception;
            })
            .UseSqlite(_folder.ConnectionString);
        await using var provider = services.BuildServiceProvider();
        await using var conductor = await provider.StartConductorAsync();
        await using var run = await conductor.Workflows.StartWorkflowAsync(
            new WorkflowDefinition { Name = "w", Phases = [WorkflowPhase.Development],
                Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding }] },
            new WorkflowRunOptions { RunId = "run" });
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await using var other = await _folder.OpenAsync();
        if (isGone)
        {
            await other.DeleteWorkflowAsync("run");
        }
        else
        {
            var lease = (await other.Leases.GetAsync("workflow:run"))!;
            (await other.Leases.TryTakeOverAsync(lease, "other", TimeSpan.FromMinutes(5))).Should().NotBeNull();
        }

        goOn.SetResult();

        (await thrown.Task.WaitAsync(TimeSpan.FromSeconds(20))).Should().BeOfType<StateException>().Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        (await other.Effects.GetAsync(new EffectKey("run", "run:t:0", "after"))).Should().BeNull();
        (await other.Effects.GetAsync(new EffectKey("run", "run:t:0", "before"))).Should().Match<TaskData?>(value => (value == null) == isGone);
        var ended = () => run.Completion.WaitAsync(TimeSpan.FromSeconds(20));
        (await ended.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        (await other.ListDeadLettersAsync()).Items.Should().BeEmpty("whoever has the run may bring the task to a good end");
        (await other.ReadAsync(static session => session.Column<string>("SELECT text FROM effects"), CancellationToken.None)).Should().Equal("before");
    }

    private async Task EffectAsync(TaskContext task, string name, bool isInTransaction)
    {
        if (isInTransaction)
        {
            await task.OnceAsync(name, connection => Insert(connection, name));
            return;
        }

        await task.OnceAsync(name, static _ => new ValueTask<int>(1), CancellationToken.None);
        await using var connection = new SqliteConnection($"{_folder.ConnectionString};Pooling=False");
        await connection.OpenAsync();
        Insert(connection, name);
    }

    private static void Insert(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "CREATE TABLE IF NOT EXISTS effects (text); INSERT INTO effects VALUES ($text)";
        command.Parameters.AddWithValue("$text", text);
        command.ExecuteNonQuery();
    }
}
