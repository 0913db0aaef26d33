using Conductor.State;

namespace Conductor.Testing;

/// <content>Whole states of runs, and lists of runs.</content>
public sealed partial class StateManagerConformance
{
    private void AddWorkflowCases()
    {
        Add("A run's state is read as it was saved, with its version", async store =>
        {
            Check.Null(await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state of an unknown run");
            var version = await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            Same(State() with { StoreVersion = version }, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
        });
        Add("A result that was saved without its run's id, or with times that do not fit its duration, is read as it was saved", async store =>
        {
            var odd = new TaskResult { TaskId = "t9", Status = AgentTaskStatus.Completed, Duration = TimeSpan.FromSeconds(1) };
            var version = await store.SaveWorkflowStateAsync(
                State() with { TaskResults = new Dictionary<string, TaskResult>(StringComparer.Ordinal) { ["t9"] = odd } }).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Equal(version, read.StoreVersion, "the version");
            Check.Equal(odd, read.TaskResults["t9"], "the result");
        });
        Add("A result of another run or task is refused, and nothing is saved", async store =>
        {
            var version = await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            foreach (var (key, result) in new[] { ("t1", Result("t1", "elsewhere")), ("t1", Result("t2", "run")) })
            {
                var bad = State() with { StoreVersion = version, TaskResults = new Dictionary<string, TaskResult>(StringComparer.Ordinal) { [key] = result } };
                await Check.ThrowsAsync<ArgumentException>(() => store.SaveWorkflowStateAsync(bad).AsTask(), "the save").ConfigureAwait(false);
            }

            await Check.ThrowsAsync<ArgumentException>(
                () => store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "elsewhere")] }).AsTask(), "the step").ConfigureAwait(false);
            Same(State() with { StoreVersion = version }, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
        });
        Add("Of one phase of one round, and of one task's redeliveries, the last record counts", async store =>
        {
            var phase = new PhaseRecord { Phase = WorkflowPhase.Development, StartedAt = Start };
            var crash = new TaskRedelivery { TaskId = "t1", Crashes = 1 };
            await store.SaveWorkflowStateAsync(State() with
            {
                PhaseHistory = [phase, phase with { Outcome = PhaseOutcome.Passed }],
                Redeliveries = [crash, crash with { Crashes = 2 }],
            }).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Sequence([PhaseOutcome.Passed], read.PhaseHistory.Select(static record => record.Outcome), "outcomes");
            Check.Sequence([2], read.Redeliveries.Select(static record => record.Crashes), "crashes");
        });
        Add("What a read gave can be saved back as it is", async store =>
        {
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            var version = await store.SaveWorkflowStateAsync(read with { Round = 5 }).ConfigureAwait(false);
            Check.True(version > read.StoreVersion, "a greater version");
            Check.Equal(5, (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!.Round, "the round");
        });
        Add("Saving a run's state from a stale version fails with STATE_CONFLICT and changes nothing", async store =>
        {
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            var first = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            await store.SaveWorkflowStateAsync(first with { Round = 2 }).ConfigureAwait(false);
            var stored = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () => store.SaveWorkflowStateAsync(first with { Round = 9, TaskResults = null! }).AsTask(), "a stale save")
                .ConfigureAwait(false);
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () => store.SaveWorkflowStateAsync(State(), StateExpectation.MustNotExist).AsTask(), "a save of a new run")
                .ConfigureAwait(false);
            Same(stored, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
        });
        Add("Saving a run's state at a version where none is stored fails with STATE_CONFLICT and stores nothing", async store =>
        {
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () => store.SaveWorkflowStateAsync(State(), StateExpectation.AtVersion(3)).AsTask(), "the save")
                .ConfigureAwait(false);
            Check.Null(await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
            Check.Equal(0, (await store.ListWorkflowsAsync().ConfigureAwait(false)).Items.Count, "runs listed");
        });
        Add("Overwriting a run's state is a call of its own: any version", async store =>
        {
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            await store.SaveWorkflowStateAsync(State() with { Round = 4 }, StateExpectation.Any).ConfigureAwait(false);
            Check.Equal(4, (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!.Round, "the round");
        });
        Add("Of racing saves of a run's state from one version exactly one wins", async store =>
        {
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            var winners = await Check.RaceAsync(
                16, racer => WinsAsync(() => store.SaveWorkflowStateAsync(read with { Round = 100 + racer }).AsTask())).ConfigureAwait(false);
            Check.Equal(1, winners.Count(static won => won), "winners");
            Check.Equal(
                100 + Array.IndexOf(winners, true), (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!.Round, "what the winner saved");
        });
        Add("Deleting a run takes its results, events and effects along and says whether there was one", DeleteAsync);
        Add("A request to cancel a run is stored with it and stays over later steps", async store =>
        {
            Check.True(!await store.RequestCancellationAsync("run").ConfigureAwait(false), "false for an unknown run");
            var version = await store.CommitWorkflowAsync(Step(0)).ConfigureAwait(false);
            Check.True(!await store.IsCancellationRequestedAsync("run").ConfigureAwait(false), "no request at first");
            Check.True(await store.RequestCancellationAsync("run").ConfigureAwait(false), "true for a run in progress");
            Check.True(await store.RequestCancellationAsync("run").ConfigureAwait(false), "true for a second request");
            version = await store.CommitWorkflowAsync(Step(version)).ConfigureAwait(false);
            Check.True(await store.IsCancellationRequestedAsync("run").ConfigureAwait(false), "the request to be there after a step");
            await store.CommitWorkflowAsync(Step(version, Summary(status: WorkflowStatus.Cancelled))).ConfigureAwait(false);
            Check.True(!await store.RequestCancellationAsync("run").ConfigureAwait(false), "false for a run that has ended");
        });
    }

    private void AddListCases()
    {
        Add("Runs are listed the youngest first, by status, name and age", ListAsync);
        Add("The pages of runs cover every run exactly once, though many started at one moment", async store =>
        {
            for (var i = 0; i < 23; i++)
            {
                await store.SaveWorkflowStateAsync(State($"run-{i:00}", startedAt: Start.AddMinutes(i / 4))).ConfigureAwait(false);
            }

            int[] sizes = [1, 4, 10, 1000];
            foreach (var size in sizes)
            {
                var all = await AllPagesAsync(page => store.ListWorkflowsAsync(new WorkflowQuery { Page = page }), size).ConfigureAwait(false);
                Check.Sequence(
                    Enumerable.Range(0, 23).Select(static i => $"run-{i:00}"),
                    all.Select(static run => run.WorkflowId).Order(StringComparer.Ordinal),
                    $"runs on pages of {size}");
                Check.True(
                    all.Zip(all.Skip(1)).All(static pair => pair.First.StartedAt >= pair.Second.StartedAt), $"the youngest first on pages of {size}");
            }
        });
        Add("A list of runs says so when it cannot read the token of a page", store =>
            Check.ThrowsAsync<ArgumentException>(() => store.ListWorkflowsAsync(new WorkflowQuery { Page = _unreadable }).AsTask(), "the list"));
        Add("A run that is added between two pages is not taken for one of the others", async store =>
        {
            for (var i = 0; i < 6; i++)
            {
                await store.SaveWorkflowStateAsync(State($"run-{i}", startedAt: Start.AddMinutes(i))).ConfigureAwait(false);
            }

            var first = await store.ListWorkflowsAsync(new WorkflowQuery { Page = new PageRequest { Size = 3 } }).ConfigureAwait(false);
            await store.SaveWorkflowStateAsync(State("new", startedAt: Start.AddMinutes(60))).ConfigureAwait(false);
            var second = await store.ListWorkflowsAsync(
                new WorkflowQuery { Page = new PageRequest { Size = 3, ContinuationToken = first.ContinuationToken } }).ConfigureAwait(false);
            Check.Sequence(["run-5", "run-4", "run-3"], first.Items.Select(static run => run.WorkflowId), "the first page");
            Check.Sequence(["run-2", "run-1", "run-0"], second.Items.Select(static run => run.WorkflowId), "the second page");
        });
    }

    private static async Task DeleteAsync(StateManager store)
    {
        Check.True(!await store.DeleteWorkflowAsync("run").ConfigureAwait(false), "false for an unknown run");
        await store.CommitWorkflowAsync(Step(0) with { Results = [Result("t1", "run")], Events = [Event(1)] }).ConfigureAwait(false);
        var effect = new EffectKey("run", "run:t1:0", "call");
        await store.Effects.RecordAsync(effect, "value").ConfigureAwait(false);
        Check.True(await store.DeleteWorkflowAsync("run").ConfigureAwait(false), "true for a known run");
        Check.Null(await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state");
        Check.Null(await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false), "the result");
        Check.Null(await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false), "the history");
        Check.Null(await store.Effects.GetAsync(effect).ConfigureAwait(false), "the effect");
        Check.Equal(0, (await store.ListWorkflowsAsync().ConfigureAwait(false)).Items.Count, "runs listed");
        Check.True(!await store.DeleteWorkflowAsync("run").ConfigureAwait(false), "false the second time");
    }

    private static async Task ListAsync(StateManager store)
    {
        await store.SaveWorkflowStateAsync(State("old", WorkflowStatus.Completed)).ConfigureAwait(false);
        await store.SaveWorkflowStateAsync(State("young", startedAt: Start.AddHours(2))).ConfigureAwait(false);
        await store.SaveWorkflowStateAsync(State("other", startedAt: Start.AddHours(1)) with { DefinitionName = "other" }).ConfigureAwait(false);
        (WorkflowQuery Query, string[] Expected)[] expectations =
        [
            (new WorkflowQuery(), ["young", "other", "old"]),
            (new WorkflowQuery { Status = WorkflowStatus.InProgress }, ["young", "other"]),
            (new WorkflowQuery { DefinitionName = "definition" }, ["young", "old"]),
            (new WorkflowQuery { StartedSince = Start.AddHours(1) }, ["young", "other"]),
            (new WorkflowQuery { StartedBefore = Start.AddHours(1) }, ["old"]),
            (new WorkflowQuery { Status = WorkflowStatus.InProgress, DefinitionName = "other", StartedBefore = Start.AddHours(2) }, ["other"]),
            (new WorkflowQuery { Status = WorkflowStatus.Failed }, []),
        ];
        foreach (var (query, expected) in expectations)
        {
            var page = await store.ListWorkflowsAsync(query).ConfigureAwait(false);
            Check.Sequence(expected, page.Items.Select(static run => run.WorkflowId), $"runs of {query}");
        }

        var listed = (await store.ListWorkflowsAsync(new WorkflowQuery { DefinitionName = "other" }).ConfigureAwait(false)).Items[0];
        var state = (await store.GetWorkflowStateAsync("other").ConfigureAwait(false))!;
        Same(state.ToSummary(), listed, "what the list says about a run");
    }
}
