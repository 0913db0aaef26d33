namespace Conductor.Sqlite.Tests;

/// <summary>What was saved is there for the next process, and for others at the same time.</summary>
public sealed class SurvivalTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_AfterTheStoreIsGone_IsThereForTheNext()
    {
        await using (var store = await _folder.OpenAsync())
        {
            await store.CommitWorkflowAsync(Records.Step("run", 0));
            await store.SaveTaskResultAsync(Records.Result("t"));
            await store.SaveDeadLetterAsync(Records.Letter("d"));
            await store.Effects.RecordAsync(new EffectKey("run", "run:t:0", "e"), "value");
            await store.Leases.TryAcquireAsync("l", "one", TimeSpan.FromHours(1));
            await store.SaveAgentStateAsync(new AgentState { AgentId = "a", AgentType = AgentType.Coding });
        }

        await using var next = await _folder.OpenAsync();
        var state = await next.GetWorkflowStateAsync("run");
        state!.TaskResults.Keys.Should().Equal("t0-0");
        state.ErrorLog.Should().HaveCount(1);
        (await next.GetTaskResultAsync("t"))!.Output.Get<string>().Should().Be("output");
        (await next.GetDeadLetterAsync("d"))!.Code.Should().Be("CODE");
        (await next.Effects.GetAsync(new EffectKey("run", "run:t:0", "e")))!.Get<string>().Should().Be("value");
        (await next.Leases.TryAcquireAsync("l", "two", TimeSpan.FromHours(1))).Should().BeNull("the lease has not run out");
        (await next.GetAgentStateAsync("a")).Should().NotBeNull();
        (await next.GetWorkflowHistoryAsync("run"))!.Events.Should().HaveCount(1);
    }

    [Fact]
    public async Task TwoStoresOnOneFile_RacingStepsAndLeases_HaveOneWinnerEach()
    {
        await using var one = await _folder.OpenAsync();
        await using var other = await _folder.OpenAsync();
        SqliteStateManager[] stores = [one, other];
        await one.CommitWorkflowAsync(Records.Step("run", 0));
        for (var version = 1L; version <= 20; version++)
        {
            var expected = version;
            var won = await Task.WhenAll(stores.SelectMany(store => Enumerable.Range(0, 4).Select(_ => WinsAsync(store, expected))));
            won.Count(static win => win).Should().Be(1);
            var taken = await Task.WhenAll(stores.Select(store => store.Leases.TryAcquireAsync($"l{expected}", "o", TimeSpan.FromHours(1)).AsTask()));
            taken.Count(static lease => lease is not null).Should().Be(1);
        }

        (await other.GetWorkflowStateAsync("run"))!.StoreVersion.Should().Be(21);

        static async Task<bool> WinsAsync(SqliteStateManager store, long version)
        {
            try
            {
                await store.CommitWorkflowAsync(Records.Step("run", version));
                return true;
            }
            catch (StateException exception) when (exception.ErrorCode == ErrorCodes.StateConflict)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Saves_ThatWait_AreCommittedTogether()
    {
        await using var store = await _folder.OpenAsync(static options => options.Synchronous = SqliteSynchronous.Full);
        var before = store.Written;
        await Task.WhenAll(Enumerable.Range(0, 640).Select(number => Task.Run(async () => await store.SaveTaskResultAsync(Records.Result($"t{number}")))));
        var (operations, commits) = (store.Written.Operations - before.Operations, store.Written.Commits - before.Commits);
        operations.Should().BeGreaterThanOrEqualTo(640);
        commits.Should().BeLessThan(operations / 2, "a group shares one commit");
    }

    [Fact]
    public async Task Save_ThatFailsInAGroup_FailsAlone()
    {
        await using var store = await _folder.OpenAsync();
        var saves = Enumerable.Range(0, 100).Select(number => number == 50
            ? store.WriteAsync<bool>(static _ => throw new InvalidOperationException("mine"), CancellationToken.None)
            : store.SaveTaskResultAsync(Records.Result($"t{number}")).AsTask()
                .ContinueWith(static task => task.IsCompletedSuccessfully, TaskScheduler.Default)).ToList();
        await FluentActions.Awaiting(() => saves[50]).Should().ThrowAsync<InvalidOperationException>().WithMessage("mine");
        saves.RemoveAt(50);
        (await Task.WhenAll(saves)).Should().AllBeEquivalentTo(true);
        (await store.GetTaskResultAsync("t99")).Should().NotBeNull();
    }

    [Fact]
    public async Task Disconnect_WithSavesWaiting_DoesThemFirst()
    {
        var store = await _folder.OpenAsync();
        var saves = Enumerable.Range(0, 200).Select(number => store.SaveTaskResultAsync(Records.Result($"t{number}")).AsTask()).ToList();
        await store.DisconnectAsync();
        saves.Should().OnlyContain(static save => save.IsCompletedSuccessfully);
        await store.ConnectAsync();
        (await store.GetTaskResultAsync("t199")).Should().NotBeNull();
        await store.DisposeAsync();
    }

    [Fact]
    public async Task Save_CancelledBeforeItsTurn_IsNotDone()
    {
        await using var store = await _folder.OpenAsync();
        using var cancellation = new CancellationTokenSource();
        using var release = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var blocker = store.WriteAsync(
            _ =>
            {
                begun.TrySetResult();
                return release.Wait(TimeSpan.FromSeconds(20));
            },
            CancellationToken.None);
        await begun.Task;
        var save = store.SaveTaskResultAsync(Records.Result("t"), cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await FluentActions.Awaiting(() => save).Should().ThrowAsync<OperationCanceledException>();
        release.Set();
        await blocker;
        (await store.GetTaskResultAsync("t")).Should().BeNull();
    }
}
