using Conductor.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

/// <summary>How long effects stay in the file: as long as they may be asked for, and not for ever.</summary>
public sealed class EffectRetentionTests : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromHours(12);

    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Records.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Effects_OfATaskWithoutAResult_AreKeptForSevenDaysAfterTheLast()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromSeconds(1) });
        await RecordAsync(store, "t");
        _time.Advance(TimeSpan.FromDays(6));
        await RecordAsync(store, "t", "second");
        _time.Advance(TimeSpan.FromDays(6));
        await RetainAsync(store);
        (await IsKeptAsync(store, "t")).Should().BeTrue("a later attempt may come");

        _time.Advance(TimeSpan.FromDays(2));
        await RetainAsync(store);

        (await IsKeptAsync(store, "t")).Should().BeFalse();
        (await IsKeptAsync(store, "t", "second")).Should().BeFalse();
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("cleared")]
    [InlineData("evicted")]
    public async Task Effects_WithADeadLetter_AreKeptUntilThatIsGone(string end)
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 1, MaxFinishedWorkflows = 0, MaxDeadLetters = 2 });
        var ofRun = new EffectKey("run", "order:0", "e");
        await RecordAsync(store, "failed");
        await store.Effects.RecordAsync(ofRun, "v");
        await store.SaveDeadLetterAsync(Letter("d1", "failed:0"));
        await store.SaveDeadLetterAsync(Letter("d2", "order:0") with { WorkflowId = "run" });
        await store.SaveTaskResultAsync(Records.Result("failed"));
        await store.SaveTaskResultAsync(Records.Result("other"));
        await store.CommitWorkflowAsync(Records.Step("run", 0, WorkflowStatus.Failed));
        _time.Advance(TimeSpan.FromDays(20));
        await RetainAsync(store);
        (await store.GetWorkflowStateAsync("run")).Should().BeNull();
        (await IsKeptAsync(store, "failed")).Should().BeTrue("its result is gone, the letter is not");
        (await store.Effects.GetAsync(ofRun)).Should().NotBeNull("its run is gone, the letter is not");

        switch (end)
        {
            case "deleted":
                await store.DeleteDeadLetterAsync("d1");
                await store.DeleteDeadLetterAsync("d2");
                break;
            case "cleared":
                (await store.ClearDeadLettersAsync()).Should().Be(2);
                break;
            default:
                await store.SaveDeadLetterAsync(Letter("d3", "other:0"));
                await store.SaveDeadLetterAsync(Letter("d4", "other:0"));
                break;
        }

        (await IsKeptAsync(store, "failed")).Should().BeFalse();
        (await store.Effects.GetAsync(ofRun)).Should().BeNull();
    }

    /// <summary>Its result was too old to be read, so it was dispatched again; only then is the old result removed.</summary>
    [Fact]
    public async Task Result_OfAnEarlierDispatchRemoved_TakesNoEffectsOfTheOneUnderWay()
    {
        await using (var before = await OpenAsync(new RetentionOptions()))
        {
            await RecordAsync(before, "t");
            await before.SaveTaskResultAsync(Records.Result("t"));
            _time.Advance(TimeSpan.FromDays(2));
            await RecordAsync(before, "t", "again");
        }

        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await RetainAsync(store);

        (await IsKeptAsync(store, "t")).Should().BeFalse();
        (await IsKeptAsync(store, "t", "again")).Should().BeTrue();
    }

    [Fact]
    public async Task Result_Removed_TakesTheEffectsOfAKeyOfItsOwnAndNoOthers()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 1 });
        var ended = new EffectKey("key:0", "key:0", "e") { TaskId = "ended" };
        var underWay = new EffectKey("order-1:0", "order-1:0", "e") { TaskId = "under-way" };
        await store.Effects.RecordAsync(ended, "v");
        await store.Effects.RecordAsync(underWay, "v");
        foreach (var taskId in (string[])["ended", "order-1", "other"])
        {
            await store.SaveTaskResultAsync(Records.Result(taskId));
        }

        await RetainAsync(store);

        (await store.Effects.GetAsync(ended)).Should().BeNull();
        (await store.Effects.GetAsync(underWay)).Should().NotBeNull();
    }

    /// <summary>Letters of a file of the first version keep the effects of their executions, too.</summary>
    [Fact]
    public async Task DeadLetters_OfAFileOfTheFirstVersion_KeepEffects()
    {
        await using (var first = new SqliteStateManager(_folder.Options(), null, null, null, [Database.SqliteSchema.Migrations[0]]))
        {
            await first.ConnectAsync();
            var codec = new Conductor.Serialization.RecordCodec();
            var letters = new[] { Letter("d1", "failed:0"),
                Letter("d2", "order:0") with { WorkflowId = "run", Message = "{\"idempotency_key\": 'ä'}" }, Records.Letter("d3") };
            foreach (var letter in letters)
            {
                var record = codec.Encode(letter);
                await first.WriteAsync(
                    session => session.Execute("INSERT INTO conductor_dead_letters (id, record) VALUES ($1, $2)", letter.Id, record), CancellationToken.None);
            }

            await first.WriteAsync(
                static session => session.Execute("INSERT INTO conductor_dead_letters (id, record) VALUES ('d4', X'00FF22')"), CancellationToken.None);
        }

        await using var store = await OpenAsync(new RetentionOptions());
        var keys = await store.ReadAsync(
            static session =>
                session.Pairs<string?, string?>("SELECT effect_scope, idempotency_key FROM conductor_dead_letters ORDER BY id"), CancellationToken.None);
        keys.Should().Equal(("failed:0", "failed:0"), ("run", "order:0"), (null, null), (null, null));
    }

    private static ErrorRecord Letter(string id, string key) => Records.Letter(id) with { IdempotencyKey = key };

    private static async Task RecordAsync(StateManager store, string taskId, string name = "e") =>
        await store.Effects.RecordAsync(new EffectKey($"{taskId}:0", $"{taskId}:0", name) { TaskId = taskId }, "v");

    private static async Task<bool> IsKeptAsync(StateManager store, string taskId, string name = "e") =>
        await store.Effects.GetAsync(new EffectKey($"{taskId}:0", $"{taskId}:0", name)) is not null;

    private Task<SqliteStateManager> OpenAsync(RetentionOptions retention) =>
        _folder.OpenAsync(static options => options.RetentionInterval = _interval, retention, new ConductorEnvironment(_time));

    private Task RetainAsync(SqliteStateManager store) => Retention.RunAsync(store, _time, _interval);
}
