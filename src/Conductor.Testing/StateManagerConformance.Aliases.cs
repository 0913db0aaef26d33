namespace Conductor.Testing;

/// <content>What a store returns never aliases what another caller can change.</content>
public sealed partial class StateManagerConformance
{
    private void AddAliasCases()
    {
        Add("Changing a collection after it was saved changes nothing that is stored", async store =>
        {
            var notes = new Dictionary<string, string>(StringComparer.Ordinal) { ["note"] = "before" };
            var results = new List<TaskResult> { Result("t1", "run") };
            var events = new List<WorkflowEvent> { Event(1) };
            var agents = new List<string> { "a1" };
            await store.SaveAgentStateAsync(Agent("a") with { Metadata = notes }).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(0, Summary() with { Metadata = notes }) with { Results = results, Events = events, NewAgents = agents })
                .ConfigureAwait(false);
            notes["note"] = "after";
            results.Clear();
            events.Clear();
            agents[0] = "changed";
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Equal("before", state.Metadata["note"], "the run's note");
            Check.Equal("before", (await store.GetAgentStateAsync("a").ConfigureAwait(false))!.Metadata["note"], "the agent's note");
            Check.Sequence(["t1"], state.TaskResults.Keys, "tasks with results");
            Check.Sequence(["a1"], state.ParticipatingAgents, "agents");
            Check.Equal(1, (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events.Count, "events");
        });
        Add("What a read gave stays as it was when the run goes on", async store =>
        {
            var version = await store.CommitWorkflowAsync(FullStep(0)).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            var history = (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!;
            var before = Json(read);
            await store.CommitWorkflowAsync(
                Step(version)
                    with { Results = [Result("t2", "run")], Events = [Event(3)], NewAgents = ["a2"], ReopenedTaskIds = ["t1"] }).ConfigureAwait(false);
            Check.Equal(before, Json(read), "the state that was read before");
            Check.Equal(2, history.Events.Count, "events of the history that was read before");
        });
        Add("What a read gives cannot be changed by its reader", async store =>
        {
            await store.CommitWorkflowAsync(FullStep(0)).ConfigureAwait(false);
            var read = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            var before = Json(read);
            Tamper(read.PhaseHistory);
            Tamper(read.FeedbackRounds);
            Tamper(read.ErrorLog);
            Tamper(read.ParticipatingAgents);
            Tamper(read.TaskResults);
            Tamper(read.Metadata);
            Tamper((await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events);
            Same(read, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state read by another");
            Check.Equal(before, Json((await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!), "the state read by another");
            Check.Equal(2, (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events.Count, "events");
        });
    }

    /// <summary>Tries to empty a collection; that it refuses is fine.</summary>
    private static void Tamper<T>(IEnumerable<T> items)
    {
        try
        {
            (items as ICollection<T>)?.Clear();
        }
        catch (NotSupportedException)
        {
            // It is read-only: so much the better.
        }
    }
}
