using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.State;

/// <summary>How long the store in memory keeps recorded effects: as long as they may be asked for, and not for ever.</summary>
public sealed class EffectRetentionTests
{
    private readonly VirtualTimeProvider _time = new();

    [Fact]
    public async Task Effects_OfATaskWithoutAResult_AreKeptHoweverManyOthersCome()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 10 });
        await RecordAsync(store, "long");

        for (var i = 0; i < 100; i++)
        {
            await RecordAsync(store, $"t{i}");
            await EndAsync(store, $"t{i}");
        }

        (await IsKeptAsync(store, "long")).Should().BeTrue();
        (await IsKeptAsync(store, "t0")).Should().BeFalse();
        (await IsKeptAsync(store, "t99")).Should().BeTrue();
    }

    /// <summary>However short the age of results is: a later attempt may come.</summary>
    [Fact]
    public async Task Effects_OfATaskWithoutAResult_AreKeptForSevenDaysAfterTheLast()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromSeconds(1) });
        await RecordAsync(store, "t");
        _time.Advance(TimeSpan.FromDays(6));
        await RecordAsync(store, "t", "second");
        _time.Advance(TimeSpan.FromDays(6));
        await RecordAsync(store, "any");
        (await IsKeptAsync(store, "t")).Should().BeTrue();

        _time.Advance(TimeSpan.FromDays(2));
        await RecordAsync(store, "any", "second");

        (await IsKeptAsync(store, "t")).Should().BeFalse();
        (await IsKeptAsync(store, "any")).Should().BeTrue();
    }

    [Fact]
    public async Task Effects_OfARun_HaveNoAge()
    {
        await using var store = await OpenAsync(new RetentionOptions());
        await store.SaveWorkflowStateAsync(new WorkflowState { WorkflowId = "run", DefinitionName = "any", Status = WorkflowStatus.InProgress });
        var effect = new EffectKey("run", "run:t:0", "call");
        await store.Effects.RecordAsync(effect, "value");

        for (var i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromDays(20));
            await RecordAsync(store, $"t{i}");
        }

        (await store.Effects.GetAsync(effect)).Should().NotBeNull();
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("cleared")]
    [InlineData("evicted")]
    public async Task Effects_WithADeadLetter_AreKeptUntilThatIsGone(string end)
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 1, MaxDeadLetters = 1 });
        await RecordAsync(store, "failed");
        await store.SaveDeadLetterAsync(Letter("d", "failed:0"));
        await EndAsync(store, "failed");
        await EndAsync(store, "other");
        _time.Advance(TimeSpan.FromDays(20));
        await RecordAsync(store, "any");
        (await IsKeptAsync(store, "failed")).Should().BeTrue("its result is gone, the letter is not");

        await (end switch
        {
            "deleted" => store.DeleteDeadLetterAsync("d").AsTask(),
            "cleared" => store.ClearDeadLettersAsync().AsTask(),
            _ => store.SaveDeadLetterAsync(Letter("e", "other:0")).AsTask(),
        });

        (await IsKeptAsync(store, "failed")).Should().BeFalse();
    }

    /// <summary>Its result was too old to be read, so it was dispatched again; only then is the old result removed.</summary>
    [Fact]
    public async Task Result_OfAnEarlierDispatchForgotten_TakesNoEffectsOfTheOneUnderWay()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await RecordAsync(store, "t");
        await EndAsync(store, "t");
        _time.Advance(TimeSpan.FromDays(2));
        await RecordAsync(store, "t", "again");

        await EndAsync(store, "other");

        (await IsKeptAsync(store, "t")).Should().BeFalse();
        (await IsKeptAsync(store, "t", "again")).Should().BeTrue();
    }

    [Fact]
    public async Task Result_Forgotten_TakesTheEffectsOfAKeyOfItsOwnAndNoOthers()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 1 });
        var ended = new EffectKey("key:0", "key:0", "call") { TaskId = "ended" };
        var underWay = new EffectKey("order-1:0", "order-1:0", "call") { TaskId = "under-way" };
        await store.Effects.RecordAsync(ended, "value");
        await store.Effects.RecordAsync(underWay, "value");

        await EndAsync(store, "ended");
        await EndAsync(store, "order-1");
        await EndAsync(store, "other");

        (await store.Effects.GetAsync(ended)).Should().BeNull();
        (await store.Effects.GetAsync(underWay)).Should().NotBeNull();
    }

    private static ErrorRecord Letter(string id, string key) =>
        new() { Id = id, Code = "C", Message = "m", Timestamp = DateTimeOffset.UnixEpoch, IdempotencyKey = key };

    private static async Task RecordAsync(StateManager store, string taskId, string name = "call") =>
        await store.Effects.RecordAsync(new EffectKey($"{taskId}:0", $"{taskId}:0", name) { TaskId = taskId }, "value");

    private static async Task EndAsync(StateManager store, string taskId) =>
        await store.SaveTaskResultAsync(new TaskResult { TaskId = taskId, Status = AgentTaskStatus.Completed });

    private static async Task<bool> IsKeptAsync(StateManager store, string taskId, string name = "call") =>
        await store.Effects.GetAsync(new EffectKey($"{taskId}:0", $"{taskId}:0", name)) is not null;

    private async Task<StateManager> OpenAsync(RetentionOptions options)
    {
        var store = new InMemoryStateManager(new ConductorEnvironment(_time), options);
        await store.ConnectAsync();
        return store;
    }
}
