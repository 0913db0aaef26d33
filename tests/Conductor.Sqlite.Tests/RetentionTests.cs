using Conductor.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Sqlite.Tests;

public sealed class RetentionTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Records.Start);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FinishedRuns_BeyondTheCount_GoWithAllThatBelongsToThem()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 3 });
        for (var i = 0; i < 50; i++)
        {
            await store.CommitWorkflowAsync(Records.Step($"run-{i:00}", 0, WorkflowStatus.Completed, Records.Start.AddSeconds(i)));
            await store.Effects.RecordAsync(new EffectKey($"run-{i:00}", "k", "e"), "v");
        }

        await store.CommitWorkflowAsync(Records.Step("running", 0));
        await RetainAsync(store);
        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().BeEquivalentTo("run-47", "run-48", "run-49", "running");
        (await store.Effects.GetAsync(new EffectKey("run-00", "k", "e"))).Should().BeNull();
        (await store.Effects.GetAsync(new EffectKey("run-49", "k", "e"))).Should().NotBeNull();
        (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_results"), CancellationToken.None)).Should().Be(4);
        (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_events"), CancellationToken.None)).Should().Be(4);
        (await store.ReadAsync(static session => session.Number("SELECT count(*) FROM conductor_details"), CancellationToken.None)).Should().Be(12);
    }

    /// <summary>What ended before the clock was put back is dated in the future: it is not the youngest for that.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task FinishedRuns_BeyondTheCountAfterTheClockWasPutBack_TheNewestStay(int newer)
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 3 });
        var runs = new List<string>();
        _time.Advance(TimeSpan.FromHours(2));
        for (var i = 0; i < 3 + newer; i++)
        {
            if (i == 3)
            {
                _time.AdjustTime(Records.Start);
            }

            runs.Add($"run-{i}");
            await store.CommitWorkflowAsync(Records.Step(runs[i], 0, WorkflowStatus.Completed));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await RetainAsync(store);

        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().BeEquivalentTo(runs.TakeLast(3));
    }

    [Fact]
    public async Task Results_BeyondTheCountAndOfAnyAge_Go()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 2, MaxAge = TimeSpan.MaxValue });
        for (var result = 0; result < 5; result++)
        {
            await store.SaveTaskResultAsync(Records.Result($"task-{result}"));
        }

        await RetainAsync(store);

        (await store.GetTaskResultAsync("task-2")).Should().BeNull();
        (await store.GetTaskResultAsync("task-3")).Should().NotBeNull();
    }

    [Fact]
    public async Task FinishedRunsAndResults_BeyondTheAge_Go()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await store.CommitWorkflowAsync(Records.Step("old", 0, WorkflowStatus.Failed, Records.Start));
        await store.SaveTaskResultAsync(Records.Result("old"));
        _time.Advance(TimeSpan.FromDays(2));
        await store.CommitWorkflowAsync(Records.Step("young", 0, WorkflowStatus.Failed, Records.Start.AddDays(2)));
        await store.SaveTaskResultAsync(Records.Result("young"));
        await RetainAsync(store);
        (await store.ListWorkflowsAsync()).Items.Select(static run => run.WorkflowId).Should().Equal("young");
        (await store.GetTaskResultAsync("old")).Should().BeNull();
        (await store.GetTaskResultAsync("young")).Should().NotBeNull();
    }

    /// <summary>What no read gives any more must not stand in the way of another of its id, though it was not removed yet.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FinishedRun_BeyondTheAge_MakesRoomForAnotherOfItsId(bool isSaved)
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });
        await store.CommitWorkflowAsync(Records.Step("run", 0, WorkflowStatus.Failed, Records.Start));
        _time.Advance(TimeSpan.FromDays(2));
        (await store.GetWorkflowStateAsync("run")).Should().BeNull();

        if (isSaved)
        {
            await store.SaveWorkflowStateAsync(
                new WorkflowState { WorkflowId = "run", DefinitionName = "again", DefinitionVersion = "1", Status = WorkflowStatus.InProgress,
                    StartedAt = _time.GetUtcNow() }, StateExpectation.MustNotExist);
        }
        else
        {
            var lease = await store.Leases.TryAcquireAsync("workflow:run", "owner", TimeSpan.FromMinutes(1));
            await store.CommitWorkflowAsync(Records.Step("run", 0) with { Lease = lease });
            (await store.Leases.GetAsync("workflow:run")).Should().NotBeNull("it is the new owner's");
        }

        (await store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.InProgress);
    }

    /// <summary>Its age is the record's, not what it tells of itself: what was saved is there.</summary>
    [Fact]
    public async Task FinishedRun_ThatEndedLongAgo_IsKeptFromNowOn()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxAge = TimeSpan.FromDays(1) });

        await store.CommitWorkflowAsync(Records.Step("run", 0, WorkflowStatus.Completed, Records.Start.AddDays(-8)));

        (await store.GetWorkflowStateAsync("run")).Should().NotBeNull();
    }

    [Fact]
    public async Task ResultsOfTasksOutsideWorkflows_BeyondTheCount_Go()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxTaskResults = 5 });
        for (var i = 0; i < 20; i++)
        {
            await store.SaveTaskResultAsync(Records.Result($"t{i}"));
        }

        await RetainAsync(store);
        (await store.GetTaskResultAsync("t14")).Should().BeNull();
        (await store.GetTaskResultAsync("t15")).Should().NotBeNull();
    }

    /// <summary>A clock of a machine without a battery, or of a test.</summary>
    [Fact]
    public async Task Results_BeyondTheCountInTheFirstDaysOfAllTime_Go()
    {
        var time = new FakeTimeProvider(DateTimeOffset.MinValue.AddDays(1));
        await using var store = await _folder.OpenAsync(
            retention: new RetentionOptions { MaxTaskResults = 1 }, environment: new ConductorEnvironment(time));
        await store.SaveTaskResultAsync(Records.Result("t0"));
        await store.SaveTaskResultAsync(Records.Result("t1"));

        await Retention.RunAsync(store, time);

        (await store.GetTaskResultAsync("t0")).Should().BeNull();
        (await store.GetTaskResultAsync("t1")).Should().NotBeNull();
    }

    [Fact]
    public async Task DeadLetters_BeyondTheCount_TheOldestGo()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxDeadLetters = 3 });
        for (var i = 0; i < 5; i++)
        {
            await store.SaveDeadLetterAsync(Records.Letter($"d{i}"));
        }

        (await store.ListDeadLettersAsync()).Items.Select(static letter => letter.Id).Should().Equal("d2", "d3", "d4");
    }

    /// <summary>A letter that was replayed is followed by one of the replay: that takes its place, and pushes out no other.</summary>
    [Theory]
    [InlineData("d1", "d0 d2 again")]
    [InlineData("gone", "d1 d2 again")]
    public async Task DeadLetter_OfAReplayAtTheLimit_TakesThePlaceOfTheOneReplayed(string replayed, string left)
    {
        var logs = new FakeLogCollector();
        await using var store = await _folder.OpenAsync(
            retention: new RetentionOptions { MaxDeadLetters = 3 },
            environment: new ConductorEnvironment(loggerFactory: new LoggerFactory([new FakeLoggerProvider(logs)])));
        for (var i = 0; i < 3; i++)
        {
            await store.SaveDeadLetterAsync(Records.Letter($"d{i}"));
        }

        await store.SaveDeadLetterAsync(Records.Letter("again") with { ReplayOf = replayed });

        (await store.ListDeadLettersAsync()).Items.Select(static letter => letter.Id).Should().Equal(left.Split(' '));
        logs.GetSnapshot().Count(static log => log.Id.Id == 1251).Should().Be(replayed == "gone" ? 1 : 0);
    }

    [Fact]
    public async Task Events_BeyondTheCount_GoAndTheHistorySaysWhereItBegins()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxEventsPerWorkflow = 10 });
        for (var version = 0; version < 30; version++)
        {
            await store.CommitWorkflowAsync(Records.Step("run", version));
        }

        var history = (await store.GetWorkflowHistoryAsync("run"))!;
        history.FirstPosition.Should().Be(21);
        history.Events.Select(static happening => happening.Position).Should().Equal(Enumerable.Range(21, 10).Select(static i => (long)i));
    }

    [Fact]
    public async Task File_OfAProcessThatGoesOnForEver_DoesNotGrowWithoutBound()
    {
        await using var store = await OpenAsync(new RetentionOptions { MaxFinishedWorkflows = 20 });
        var sizes = new List<long>();
        for (var round = 0; round < 6; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 300).Select(async i =>
                await store.CommitWorkflowAsync(
                    Records.Step($"run-{round}-{i}", 0, WorkflowStatus.Completed, Records.Start.AddSeconds((round * 1000) + i), results: 20))));
            await RetainAsync(store);
            await store.WriteAsync(static session => session.TryRun("PRAGMA incremental_vacuum"), CancellationToken.None, runsAlone: true);
            sizes.Add(await store.ReadAsync(static session => session.Number("PRAGMA page_count"), CancellationToken.None));
        }

        sizes[^1].Should().BeLessThan(sizes[0] * 2, "pages in use: {0}", string.Join(", ", sizes));
    }

    [Fact]
    public void New_SettingsOutOfRange_NamesThemAll()
    {
        var act = () => new SqliteStateManager(_folder.Options(), retention: new RetentionOptions { MaxTaskResults = 0, MaxDeadLetters = -1 });

        act.Should().Throw<ArgumentException>().WithParameterName("retention").Which.Message.Should()
            .ContainAll("RetentionOptions.MaxTaskResults is 0", "RetentionOptions.MaxDeadLetters is -1");
    }

    private Task<SqliteStateManager> OpenAsync(RetentionOptions retention) =>
        _folder.OpenAsync(retention: retention, environment: new ConductorEnvironment(_time));

    private Task RetainAsync(SqliteStateManager store) => Retention.RunAsync(store, _time);
}
