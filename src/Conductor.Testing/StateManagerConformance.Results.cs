using Conductor.State;

namespace Conductor.Testing;

/// <content>Results, histories, dead letters.</content>
public sealed partial class StateManagerConformance
{
    private void AddResultCases()
    {
        Add("A result outside workflows is read as it was saved", async store =>
        {
            Check.Null(await store.GetTaskResultAsync("t").ConfigureAwait(false), "the result of an unknown task");
            Check.Equal(RecordOutcome.Recorded, await store.SaveTaskResultAsync(Result("t")).ConfigureAwait(false), "the outcome");
            Same(Result("t"), await store.GetTaskResultAsync("t").ConfigureAwait(false), "the result");
        });
        Add("Results of one task outside, in two runs and in two rounds are five different ones", async store =>
        {
            (string? Run, int Round)[] places = [(null, 0), ("r1", 0), ("r1", 1), ("r2", 0), ("r2", 1)];
            foreach (var (run, round) in places)
            {
                var outcome = await store.SaveTaskResultAsync(Result("t", run, round, $"{run} {round}")).ConfigureAwait(false);
                Check.Equal(RecordOutcome.Recorded, outcome, "the outcome");
            }

            foreach (var (run, round) in places)
            {
                var found = run is null
                    ? await store.GetTaskResultAsync("t").ConfigureAwait(false)
                    : await store.GetTaskResultAsync(run, "t", round).ConfigureAwait(false);
                Check.Equal($"{run} {round}", found?.Output.Get<string>(), "the output");
            }
        });
        Add("The first result of an execution wins; a second one is told so", async store =>
        {
            await store.SaveTaskResultAsync(Result("t", output: "first")).ConfigureAwait(false);
            var outcome = await store.SaveTaskResultAsync(Result("t", output: "second")).ConfigureAwait(false);
            Check.Equal(RecordOutcome.AlreadyRecorded, outcome, "the outcome of the second");
            Check.Equal("first", (await store.GetTaskResultAsync("t").ConfigureAwait(false))?.Output.Get<string>(), "the recorded output");
        });
        Add("A result outside workflows is the task's whatever round it names", async store =>
        {
            await store.SaveTaskResultAsync(Result("t", round: 2, output: "first")).ConfigureAwait(false);
            Same(Result("t", round: 2, output: "first"), await store.GetTaskResultAsync("t").ConfigureAwait(false), "the result");
            var outcome = await store.SaveTaskResultAsync(Result("t", output: "second")).ConfigureAwait(false);
            Check.Equal(RecordOutcome.AlreadyRecorded, outcome, "the outcome of the second");
        });
        Add("The first result of an execution wins in a run too, saved alone or with a step", async store =>
        {
            var version = await store.CommitWorkflowAsync(Step(0) with { Results = [Result("t1", "run", output: "first")] }).ConfigureAwait(false);
            var outcome = await store.SaveTaskResultAsync(Result("t1", "run", output: "second")).ConfigureAwait(false);
            Check.Equal(RecordOutcome.AlreadyRecorded, outcome, "the outcome of the second");
            await store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "run", output: "third")] }).ConfigureAwait(false);
            Check.Equal("first", (await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false))?.Output.Get<string>(), "the recorded output");
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Equal("first", state.TaskResults["t1"].Output.Get<string>(), "the output in the state");
        });
        Add("A result of a step that names no run is one of the step's run: not another's outside, and not in place of one that came before", async store =>
        {
            await store.SaveTaskResultAsync(Result("t1", output: "outside")).ConfigureAwait(false);
            await store.SaveTaskResultAsync(Result("t2", "run", output: "first")).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(0) with { Results = [Result("t1", output: "inside"), Result("t2", output: "second")] }).ConfigureAwait(false);
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            foreach (var (task, output) in new[] { ("t1", "inside"), ("t2", "first") })
            {
                Check.Equal(output, state.TaskResults[task].Output.Get<string>(), $"the output of {task} in the state");
                var recorded = await store.GetTaskResultAsync("run", task, 0).ConfigureAwait(false);
                Check.Equal(output, recorded?.Output.Get<string>(), $"the recorded output of {task}");
            }

            Check.Equal("outside", (await store.GetTaskResultAsync("t1").ConfigureAwait(false))?.Output.Get<string>(), "the output of the task outside");
        });
        Add("Of racing results of one execution exactly one is recorded, and it is the one that is read", async store =>
        {
            var outcomes = await Check.RaceAsync(
                16, async racer => await store.SaveTaskResultAsync(Result("t", output: $"{racer}")).ConfigureAwait(false)).ConfigureAwait(false);
            Check.Equal(1, outcomes.Count(static outcome => outcome == RecordOutcome.Recorded), "results recorded");
            Check.Equal(
                $"{Array.IndexOf(outcomes, RecordOutcome.Recorded)}",
                (await store.GetTaskResultAsync("t").ConfigureAwait(false))?.Output.Get<string>(),
                "the recorded output");
        });
        Add("A failed result keeps its error", async store =>
        {
            var failed = Result("t") with
            {
                Status = AgentTaskStatus.Failed,
                Error = new TaskError { Code = "CODE", Message = "message", Type = "type", IsTransient = true, RetryAfter = TimeSpan.FromSeconds(3) },
            };
            await store.SaveTaskResultAsync(failed).ConfigureAwait(false);
            Same(failed, await store.GetTaskResultAsync("t").ConfigureAwait(false), "the result");
        });
    }

    private void AddHistoryCases()
    {
        Add("A run's history goes on from any position, up to a limit", async store =>
        {
            Check.Null(await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false), "the history of an unknown run");
            var version = await store.CommitWorkflowAsync(Step(0) with { Events = [Event(1), Event(2)] }).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(version) with { Events = [Event(3), Event(4), Event(5)] }).ConfigureAwait(false);
            (long After, int Limit, long[] Expected)[] expectations = [(0, 100, [1, 2, 3, 4, 5]), (2, 100, [3, 4, 5]), (1, 2, [2, 3]), (5, 100, [])];
            foreach (var (after, limit, expected) in expectations)
            {
                var history = (await store.GetWorkflowHistoryAsync("run", after, limit).ConfigureAwait(false))!;
                Check.Sequence(expected, history.Events.Select(static happening => happening.Position), $"positions after {after}, at most {limit}");
                Check.Equal(1, history.FirstPosition, "the first position");
                Check.Equal(5, history.LastPosition, "the last position");
                Check.True(!history.IsComplete, "a run in progress not to be complete");
            }
        });
        Add("The history of a run that has ended says that nothing follows", async store =>
        {
            await store.CommitWorkflowAsync(Step(0, Summary(status: WorkflowStatus.Completed)) with { Events = [Event(1)] }).ConfigureAwait(false);
            Check.True((await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.IsComplete, "the history to be complete");
        });
    }

    private void AddDeadLetterCases()
    {
        Add("A dead letter is read as it was saved, its task included, and one of the same id is replaced", async store =>
        {
            Check.Null(await store.GetDeadLetterAsync("d").ConfigureAwait(false), "an unknown dead letter");
            await store.SaveDeadLetterAsync(Letter("d")).ConfigureAwait(false);
            Same(Letter("d"), await store.GetDeadLetterAsync("d").ConfigureAwait(false), "the dead letter");
            await store.SaveDeadLetterAsync(Letter("d") with { RetryCount = 9 }).ConfigureAwait(false);
            Check.Equal(9, (await store.GetDeadLetterAsync("d").ConfigureAwait(false))!.RetryCount, "the retry count");
            Check.Equal(1, (await store.ListDeadLettersAsync().ConfigureAwait(false)).Items.Count, "dead letters listed");
        });
        Add("The pages of dead letters cover each exactly once, the oldest first", async store =>
        {
            for (var i = 0; i < 23; i++)
            {
                await store.SaveDeadLetterAsync(Letter($"d{(i * 7) % 23:00}")).ConfigureAwait(false);
            }

            int[] sizes = [1, 5, 23, 1000];
            foreach (var size in sizes)
            {
                var all = await AllPagesAsync(page => store.ListDeadLettersAsync(page), size).ConfigureAwait(false);
                Check.Sequence(
                    Enumerable.Range(0, 23).Select(static i => $"d{(i * 7) % 23:00}"), all.Select(static letter => letter.Id), $"ids on pages of {size}");
            }
        });
        Add("A list of dead letters says so when it cannot read the token of a page", store =>
            Check.ThrowsAsync<ArgumentException>(() => store.ListDeadLettersAsync(_unreadable).AsTask(), "the list"));
        Add("Dead letters are removed one by one, or all with their count", async store =>
        {
            Check.True(!await store.DeleteDeadLetterAsync("d1").ConfigureAwait(false), "false for an unknown one");
            string[] ids = ["d1", "d2", "d3"];
            foreach (var id in ids)
            {
                await store.SaveDeadLetterAsync(Letter(id)).ConfigureAwait(false);
            }

            Check.True(await store.DeleteDeadLetterAsync("d1").ConfigureAwait(false), "true for a known one");
            Check.Null(await store.GetDeadLetterAsync("d1").ConfigureAwait(false), "the one removed");
            Check.Equal(2, await store.ClearDeadLettersAsync().ConfigureAwait(false), "dead letters cleared");
            Check.Equal(0, (await store.ListDeadLettersAsync().ConfigureAwait(false)).Items.Count, "dead letters left");
            Check.Equal(0, await store.ClearDeadLettersAsync().ConfigureAwait(false), "dead letters cleared the second time");
        });
    }

    private static ErrorRecord Letter(string id) => new()
    {
        Id = id,
        Code = "CODE",
        Message = "message",
        Timestamp = Start,
        RetryCount = 3,
        Context = new Dictionary<string, string>(StringComparer.Ordinal) { ["agent_id"] = "a" },
        Task = new TaskDefinition { Id = "t", AgentType = AgentType.Review, Input = "input", Timeout = TimeSpan.FromSeconds(9) },
        WorkflowId = "run",
        Round = 2,
        IdempotencyKey = "run:t:2",
        ReplayOf = "other",
    };
}
