using Conductor.State;

namespace Conductor.Testing;

/// <content>Steps of a run: whole or not at all, from the current version, under the current lease.</content>
public sealed partial class StateManagerConformance
{
    private static WorkflowTransition FullStep(long expectedVersion) => Step(expectedVersion) with
    {
        Definition = new WorkflowDefinition { Name = "definition", Tasks = [new TaskDefinition { Id = "t1", AgentType = AgentType.Coding }] },
        Results = [Result("t1", "run")],
        Phases = [new PhaseRecord { Phase = WorkflowPhase.Development, StartedAt = Start }],
        FeedbackRounds = [new FeedbackRound { Round = 1, From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development }],
        Log = [new WorkflowLogEntry { Timestamp = Start, Error = new TaskError { Code = "CODE", Message = "message" } }],
        NewAgents = ["a1"],
        Redeliveries = [new TaskRedelivery { TaskId = "t1", Crashes = 1 }],
        Events = [Event(1), Event(2)],
    };

    private void AddTransitionCases()
    {
        Add("A step shows in all its parts once it is committed", CommitShowsAsync);
        Add("A later step adds to the earlier ones and replaces the summary", LaterStepAddsAsync);
        Add("A step from a stale version fails with STATE_CONFLICT and changes nothing", async store =>
        {
            await StaleStepAsync(store, ErrorCodes.StateConflict, (stale, _) => FullStep(stale) with { Results = [Result("t9", "run")] }).ConfigureAwait(false);
        });
        Add("A step that creates a run which exists fails with STATE_CONFLICT and changes nothing", async store =>
        {
            await StaleStepAsync(store, ErrorCodes.StateConflict, (_, _) => FullStep(0) with { Results = [Result("t9", "run")] }).ConfigureAwait(false);
        });
        Add("A step of a run that is not stored fails with STATE_CONFLICT and stores nothing", async store =>
        {
            await Check.FailsAsync(ErrorCodes.StateConflict, () => store.CommitWorkflowAsync(FullStep(4)).AsTask(), "the step").ConfigureAwait(false);
            Check.Null(await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state");
            Check.Null(await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false), "the result");
        });
        Add("Of racing steps from one version exactly one wins, and only its parts show", RacingStepsAsync);
        Add("A result that runs again keeps its place under its round, and its task is open", ReopenAsync);
        Add("A reopened result that comes again in its round counts again, as it was first", ReturnAsync);
        Add("The store version in a step's summary is ignored", async store =>
        {
            var version = await store.CommitWorkflowAsync(Step(0, Summary() with { StoreVersion = 77 })).ConfigureAwait(false);
            Check.Equal(version, (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!.StoreVersion, "the store version");
        });
    }

    private void AddLeaseCases()
    {
        Add("A step under the current lease commits, also after the lease was renewed", async store =>
        {
            var lease = await AcquireAsync(store, "one").ConfigureAwait(false);
            var version = await store.CommitWorkflowAsync(Step(0, lease: lease)).ConfigureAwait(false);
            Check.NotNull(await store.Leases.TryRenewAsync(lease, TimeSpan.FromSeconds(2)).ConfigureAwait(false), "the renewed lease");
            await store.CommitWorkflowAsync(Step(version, lease: lease)).ConfigureAwait(false);
        });
        Add("A step under a lease that was released fails with LEASE_LOST and changes nothing", store => StaleStepAsync(
            store,
            ErrorCodes.LeaseLost,
            async (_, current) =>
            {
                var lease = await AcquireAsync(store, "one").ConfigureAwait(false);
                await store.Leases.ReleaseAsync(lease).ConfigureAwait(false);
                return FullStep(current) with { Lease = lease, Results = [Result("t9", "run")] };
            }));
        Add("A step under a stale lease fails with LEASE_LOST even after its owner has reloaded the run", (store, environment) => StaleStepAsync(
            store,
            ErrorCodes.LeaseLost,
            async (_, _) =>
            {
                var zombie = await AcquireAsync(store, "zombie").ConfigureAwait(false);
                await environment.PassTimeAsync(TimeSpan.FromSeconds(2.5)).ConfigureAwait(false);
                await AcquireAsync(store, "heir").ConfigureAwait(false);
                var reloaded = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
                return FullStep(reloaded.StoreVersion) with { Lease = zombie, Results = [Result("t9", "run")] };
            }));
        Add("A lease with the current fence but another nonce fails with LEASE_LOST", store => StaleStepAsync(
            store,
            ErrorCodes.LeaseLost,
            async (_, current) =>
            {
                var lease = await AcquireAsync(store, "one").ConfigureAwait(false);
                return FullStep(current) with { Lease = lease with { Nonce = "forged" }, Results = [Result("t9", "run")] };
            }));
    }

    private static async Task<Lease> AcquireAsync(StateManager store, string owner) => Check.NotNull(
        await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), owner, TimeSpan.FromSeconds(2)).ConfigureAwait(false), $"the lease of {owner}");

    private static async Task CommitShowsAsync(StateManager store)
    {
        var step = FullStep(0);
        var version = await store.CommitWorkflowAsync(step).ConfigureAwait(false);
        var expected = step.Summary.ToState(
            step.Phases, new Dictionary<string, TaskResult>(
                StringComparer.Ordinal) { ["t1"] = step.Results[0] }, step.FeedbackRounds, step.Log, step.NewAgents, step.Redeliveries);
        Same(expected with { StoreVersion = version }, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state");
        Same(step.Definition!, await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false), "the definition");
        Same(step.Results[0], await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false), "the result");
        var history = Check.NotNull(await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false), "the history");
        Check.Sequence(step.Events.Select(Json), history.Events.Select(Json), "the events");
    }

    private static async Task LaterStepAddsAsync(StateManager store)
    {
        var version = await store.CommitWorkflowAsync(FullStep(0)).ConfigureAwait(false);
        var next = await store.CommitWorkflowAsync(Step(version, Summary() with { Round = 3, CurrentPhase = WorkflowPhase.Monitoring }) with
        {
            Results = [Result("t2", "run", round: 1)],
            Phases =
            [
                new PhaseRecord { Phase = WorkflowPhase.Development, StartedAt = Start, CompletedAt = Start.AddSeconds(1), Outcome = PhaseOutcome.Passed },
                new PhaseRecord { Phase = WorkflowPhase.Development, Round = 1, StartedAt = Start.AddSeconds(1) },
            ],
            FeedbackRounds = [new FeedbackRound { Round = 2, From = WorkflowPhase.Monitoring, To = WorkflowPhase.DevOps }],
            Log = [new WorkflowLogEntry { Timestamp = Start, Error = new TaskError { Code = "CODE2", Message = "message" } }],
            NewAgents = ["a2"],
            Events = [Event(3)],
        }).ConfigureAwait(false);
        Check.True(next > version, "a greater version");
        var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Equal(3, state.Round, "the round");
        Check.Equal(WorkflowPhase.Monitoring, state.CurrentPhase!.Value, "the phase");
        Check.Sequence(["t1", "t2"], state.TaskResults.Keys.Order(StringComparer.Ordinal), "tasks with results");
        Check.Sequence(["Passed 0", "Running 1"], state.PhaseHistory.Select(static phase => $"{phase.Outcome} {phase.Round}"), "the phase history");
        Check.Sequence([1, 2], state.FeedbackRounds.Select(static round => round.Round), "the feedback rounds");
        Check.Sequence(["CODE", "CODE2"], state.ErrorLog.Select(static entry => entry.Error.Code), "the error log");
        Check.Sequence(["a1", "a2"], state.ParticipatingAgents, "the agents");
        Check.NotNull(await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false), "the definition, which only the first step gave");
    }

    private static Task StaleStepAsync(StateManager store, string code, Func<long, long, WorkflowTransition> make) =>
        StaleStepAsync(store, code, (stale, current) => Task.FromResult(make(stale, current)));

    /// <summary>A step, made from a stale and the current version, fails and leaves no trace.</summary>
    private static async Task StaleStepAsync(StateManager store, string code, Func<long, long, Task<WorkflowTransition>> make)
    {
        var stale = await store.CommitWorkflowAsync(FullStep(0)).ConfigureAwait(false);
        var current = await store.CommitWorkflowAsync(Step(stale)).ConfigureAwait(false);
        var before = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        var definition = (await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false))!;
        var step = await make(stale, current).ConfigureAwait(false) with
        {
            Definition = definition with { Version = "9" },
            Redeliveries = [new TaskRedelivery { TaskId = "t1", Crashes = 9 }],
            Events = [Event(3)],
            ReopenedTaskIds = ["t1"],
            NewAgents = ["a9"],
        };
        await Check.FailsAsync(code, () => store.CommitWorkflowAsync(step).AsTask(), "the step").ConfigureAwait(false);
        Same(before, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state after a step that failed");
        Same(definition, await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false), "the definition after a step that failed");
        Check.Null(await store.GetTaskResultAsync("run", "t9", 0).ConfigureAwait(false), "its result");
        Check.Equal(2, (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events.Count, "events after a step that failed");
    }

    private static async Task RacingStepsAsync(StateManager store)
    {
        var version = await store.CommitWorkflowAsync(Step(0)).ConfigureAwait(false);
        var winners = await Check.RaceAsync(16, racer => WinsAsync(() => store.CommitWorkflowAsync(
            Step(version) with { Results = [Result($"t{racer}", "run")], NewAgents = [$"a{racer}"], Events = [Event(1) with { AgentId = $"a{racer}" }] })
            .AsTask())).ConfigureAwait(false);
        Check.Equal(1, winners.Count(static won => won), "winners");
        var winner = Array.IndexOf(winners, true);
        var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Sequence([$"t{winner}"], state.TaskResults.Keys, "tasks with results");
        Check.Sequence([$"a{winner}"], state.ParticipatingAgents, "agents");
        var history = (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!;
        Check.Sequence([$"a{winner}"], history.Events.Select(static happening => happening.AgentId!), "agents of the events");
    }

    private static async Task ReopenAsync(StateManager store)
    {
        var version = await store.CommitWorkflowAsync(
            Step(0) with { Results = [Result("t1", "run", output: "first"), Result("t2", "run")] }).ConfigureAwait(false);
        version = await store.CommitWorkflowAsync(Step(version) with { ReopenedTaskIds = ["t1"] }).ConfigureAwait(false);
        var open = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Sequence(["t2"], open.TaskResults.Keys, "tasks with results while one is open");
        Check.Equal("first", (await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false))?.Output.Get<string>(), "the result of round 0");

        await store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "run", round: 1, output: "second")] }).ConfigureAwait(false);
        var done = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Equal("second", done.TaskResults["t1"].Output.Get<string>(), "the latest result");
        Check.Equal("first", (await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false))?.Output.Get<string>(), "the result of round 0");
        Check.Equal("second", (await store.GetTaskResultAsync("run", "t1", 1).ConfigureAwait(false))?.Output.Get<string>(), "the result of round 1");
    }

    private static async Task ReturnAsync(StateManager store)
    {
        var version = await store.CommitWorkflowAsync(Step(0) with { Results = [Result("t1", "run", output: "first")] }).ConfigureAwait(false);
        version = await store.CommitWorkflowAsync(Step(version) with { ReopenedTaskIds = ["t1"] }).ConfigureAwait(false);
        version = await store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "run", output: "again")] }).ConfigureAwait(false);
        var returned = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Equal("first", returned.TaskResults.GetValueOrDefault("t1")?.Output.Get<string>(), "the result that counts again");

        version = await store.CommitWorkflowAsync(Step(version) with { ReopenedTaskIds = ["t1"] }).ConfigureAwait(false);
        version = await store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "run", round: 1, output: "second")] }).ConfigureAwait(false);
        await store.CommitWorkflowAsync(Step(version) with { Results = [Result("t1", "run", output: "late")] }).ConfigureAwait(false);
        var later = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        Check.Equal("second", later.TaskResults["t1"].Output.Get<string>(), "the latest result");
        Check.Equal("first", (await store.GetTaskResultAsync("run", "t1", 0).ConfigureAwait(false))?.Output.Get<string>(), "the result of round 0");
    }
}
