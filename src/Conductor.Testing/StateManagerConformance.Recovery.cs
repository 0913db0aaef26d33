using Conductor.State;

namespace Conductor.Testing;

/// <content>What taking over a run, and repeating a step whose outcome is unknown, stands on.</content>
public sealed partial class StateManagerConformance
{
    private static readonly TimeSpan _term = TimeSpan.FromSeconds(2);

    private void AddRecoveryCases()
    {
        Add("A step that is repeated under its operation id answers as before and changes nothing", RepeatedStepAsync);
        Add("A step repeated without its operation id, under another, or after a later step fails with STATE_CONFLICT", async store =>
        {
            var step = Step(0) with { OperationId = "o", Events = [Event(1)] };
            var version = await store.CommitWorkflowAsync(step).ConfigureAwait(false);
            await FailsToRepeatAsync(store, step with { OperationId = null }).ConfigureAwait(false);
            await FailsToRepeatAsync(store, step with { OperationId = "other" }).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(version) with { OperationId = "o", Events = [Event(2)] }).ConfigureAwait(false);
            await FailsToRepeatAsync(store, step).ConfigureAwait(false);
        });
        Add("A step is repeated only by the holder of its lease; an owner that has lost it is told LEASE_LOST", async store =>
        {
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "one", _term).ConfigureAwait(false), "the lease");
            var step = FullStep(0) with { OperationId = lease.Nonce, Lease = lease };
            var version = await store.CommitWorkflowAsync(step).ConfigureAwait(false);
            var renewed = Check.NotNull(await store.Leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the renewed lease");
            Check.Equal(version, await store.CommitWorkflowAsync(step with { Lease = renewed }).ConfigureAwait(false), "the answer to the repeated step");
            Check.NotNull(await store.Leases.TryTakeOverAsync(renewed, "two", _term).ConfigureAwait(false), "the lease taken over");
            await Check.FailsAsync(
                ErrorCodes.LeaseLost, () => store.CommitWorkflowAsync(step).AsTask(), "the step repeated by its old owner").ConfigureAwait(false);
        });
        Add("A step after the whole state was saved is no repetition, whatever its operation id", async store =>
        {
            var version = await store.CommitWorkflowAsync(Step(0) with { OperationId = "o" }).ConfigureAwait(false);
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            await store.SaveWorkflowStateAsync(state).ConfigureAwait(false);
            await FailsToRepeatAsync(store, Step(version) with { OperationId = "o" }).ConfigureAwait(false);
        });
        Add("Redeliveries are read as they were saved, and one of the same task and round is replaced", async store =>
        {
            TaskRedelivery[] first = [new() { TaskId = "t1", Crashes = 1 }, new() { TaskId = "t2", Round = 1, Crashes = 1 }];
            var version = await store.CommitWorkflowAsync(Step(0) with { Redeliveries = first }).ConfigureAwait(false);
            await store.CommitWorkflowAsync(
                Step(version)
                    with { Redeliveries = [new() { TaskId = "t1", Crashes = 2 }, new() { TaskId = "t1", Round = 1, Crashes = 1 }] }).ConfigureAwait(false);
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Sequence(
                ["t1 0 2", "t2 1 1", "t1 1 1"], state.Redeliveries.Select(static task => $"{task.TaskId} {task.Round} {task.Crashes}"), "redeliveries");
        });
        Add("A step that brings another definition replaces the stored one", async store =>
        {
            var before = new WorkflowDefinition { Name = "definition", Version = "1" };
            var version = await store.CommitWorkflowAsync(Step(0) with { Definition = before }).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(version) with { Definition = before with { Version = "2" } }).ConfigureAwait(false);
            Check.Equal("2", (await store.GetWorkflowDefinitionAsync("run").ConfigureAwait(false))?.Version, "the stored version");
        });
        Add("The pages of unfinished runs cover each exactly once, ordered by id, and no finished one", async store =>
        {
            for (var i = 0; i < 23; i++)
            {
                await store.CommitWorkflowAsync(Step(0, Summary($"run-{i * 7 % 23:00}"))).ConfigureAwait(false);
                await store.CommitWorkflowAsync(Step(0, Summary($"end-{i:00}", WorkflowStatus.Completed))).ConfigureAwait(false);
            }

            await store.CommitWorkflowAsync(Step(1, Summary("run-05", WorkflowStatus.Failed))).ConfigureAwait(false);
            var expected = Enumerable.Range(0, 23).Where(static i => i != 5).Select(static i => $"run-{i:00}").ToList();
            int[] sizes = [1, 5, 22, 1000];
            foreach (var size in sizes)
            {
                var all = await AllPagesAsync(page => store.ListUnfinishedWorkflowsAsync(page), size).ConfigureAwait(false);
                Check.Sequence(expected, all.Select(static run => run.WorkflowId), $"ids on pages of {size}");
            }
        });
        Add("A run is unfinished by what was saved last, in a step or whole, until it is deleted", async store =>
        {
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            await UnfinishedAsync(store).ConfigureAwait(false);
            var version = await store.SaveWorkflowStateAsync(State(status: WorkflowStatus.Completed), StateExpectation.Any).ConfigureAwait(false);
            await NoneUnfinishedAsync(store, "saved as completed").ConfigureAwait(false);
            version = await store.CommitWorkflowAsync(Step(version)).ConfigureAwait(false);
            await UnfinishedAsync(store).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(version, Summary(status: WorkflowStatus.Cancelled))).ConfigureAwait(false);
            await NoneUnfinishedAsync(store, "cancelled by a step").ConfigureAwait(false);
            await store.SaveWorkflowStateAsync(State(), StateExpectation.Any).ConfigureAwait(false);
            await UnfinishedAsync(store).ConfigureAwait(false);
            await store.DeleteWorkflowAsync("run").ConfigureAwait(false);
            await NoneUnfinishedAsync(store, "deleted").ConfigureAwait(false);
        });
        Add("An unfinished run shows its lease, and whether it is held", async (store, environment) =>
        {
            await store.CommitWorkflowAsync(Step(0)).ConfigureAwait(false);
            Check.True(await UnfinishedAsync(store).ConfigureAwait(false) is { Lease: null, IsHeld: false }, "a run that nobody ever took to show no lease");
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "one", _term).ConfigureAwait(false), "the lease");
            var held = await UnfinishedAsync(store).ConfigureAwait(false);
            Check.True(held.IsHeld && lease.IsSameTaking(held.Lease), "a run that is held to show its lease");
            await environment.PassTimeAsync(_term * 1.25).ConfigureAwait(false);
            var silent = await UnfinishedAsync(store).ConfigureAwait(false);
            Check.True(!silent.IsHeld && lease.IsSameTaking(silent.Lease), "a run whose lease ran out to show it as it was");
            var renewed = Check.NotNull(await store.Leases.TryRenewAsync(lease, _term).ConfigureAwait(false), "the renewed lease");
            Check.Equal(renewed.Renewal, (await UnfinishedAsync(store).ConfigureAwait(false)).Lease?.Renewal, "renewals");
            var heir = Check.NotNull(await store.Leases.TryTakeOverAsync(renewed, "two", _term).ConfigureAwait(false), "the lease taken over");
            var taken = await UnfinishedAsync(store).ConfigureAwait(false);
            Check.True(taken.IsHeld && heir.IsSameTaking(taken.Lease) && taken.Lease?.Owner == "two", "a run that was taken over to show its new owner");
            await store.Leases.ReleaseAsync(heir).ConfigureAwait(false);
            Check.True(await UnfinishedAsync(store).ConfigureAwait(false) is { Lease: null, IsHeld: false }, "a run that was given back to show no lease");
        });
        Add("An unfinished run shows whether somebody asked for it to be cancelled", async store =>
        {
            await store.CommitWorkflowAsync(Step(0)).ConfigureAwait(false);
            Check.True(!(await UnfinishedAsync(store).ConfigureAwait(false)).IsCancellationRequested, "a run that nobody wants cancelled to say so");
            Check.True(await store.RequestCancellationAsync("run").ConfigureAwait(false), "the request to be taken");
            Check.True((await UnfinishedAsync(store).ConfigureAwait(false)).IsCancellationRequested, "a run that somebody wants cancelled to say so");
        });
        Add("A lease that ran out but was not taken still lets its holder commit: the fence decides, not the clock", async (store, environment) =>
        {
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "one", _term).ConfigureAwait(false), "the lease");
            var version = await store.CommitWorkflowAsync(Step(0, lease: lease)).ConfigureAwait(false);
            await environment.PassTimeAsync(_term * 1.25).ConfigureAwait(false);
            await store.CommitWorkflowAsync(Step(version, lease: lease)).ConfigureAwait(false);
        });
        Add("The fence of a run's lease grows by one with each taking while the run exists, and does not begin anew when the run was deleted", async store =>
        {
            var first = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "one", _term).ConfigureAwait(false), "the lease");
            await store.CommitWorkflowAsync(Step(0, lease: first)).ConfigureAwait(false);
            await store.Leases.ReleaseAsync(first).ConfigureAwait(false);
            var second = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "two", _term).ConfigureAwait(false), "the lease");
            Check.Equal(first.Fence + 1, second.Fence, "the fence after a release");
            await store.DeleteWorkflowAsync("run").ConfigureAwait(false);
            var third = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "three", _term).ConfigureAwait(false), "the lease");
            Check.True(third.Fence > second.Fence, "a greater fence after the run was deleted");
        });
        Add("A lease that was taken over lets its old holder commit nothing, whatever version it expects", async store =>
        {
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("run"), "one", _term).ConfigureAwait(false), "the lease");
            var version = await store.CommitWorkflowAsync(Step(0, lease: lease)).ConfigureAwait(false);
            var heir = Check.NotNull(await store.Leases.TryTakeOverAsync(lease, "two", _term).ConfigureAwait(false), "the lease taken over");
            foreach (var expected in new[] { version, version + 1, 0 })
            {
                await Check.FailsAsync(
                    ErrorCodes.LeaseLost, () =>
                        store.CommitWorkflowAsync(Step(expected, lease: lease) with { Events = [Event(9)] }).AsTask(), "the old holder's step")
                    .ConfigureAwait(false);
            }

            await store.CommitWorkflowAsync(Step(version, lease: heir)).ConfigureAwait(false);
            Check.Equal(0, (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events.Count, "events");
        });
    }

    private static async Task RepeatedStepAsync(StateManager store)
    {
        var version = await CommitTwiceAsync(store, FullStep(0) with { OperationId = "o" }).ConfigureAwait(false);
        await CommitTwiceAsync(store, FullStep(version) with
        {
            OperationId = "o", Results = [Result("t9", "run")], Events = [Event(3)], NewAgents = ["a9"], ReopenedTaskIds = ["t1"],
        }).ConfigureAwait(false);
        Check.Sequence(
            [1, 2, 3], (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events.Select(static happening => happening.Position), "events");
    }

    private static async Task<long> CommitTwiceAsync(StateManager store, WorkflowTransition step)
    {
        var version = await store.CommitWorkflowAsync(step).ConfigureAwait(false);
        var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
        var history = (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!;
        Check.Equal(version, await store.CommitWorkflowAsync(step).ConfigureAwait(false), "the answer to the repeated step");
        Same(state, await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the state after the repetition");
        var events = (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.Events;
        Check.Sequence(history.Events.Select(Json), events.Select(Json), "events after the repetition");
        return version;
    }

    private static async Task FailsToRepeatAsync(StateManager store, WorkflowTransition step) =>
        await Check.FailsAsync(
            ErrorCodes.StateConflict, () => store.CommitWorkflowAsync(step).AsTask(), $"the step repeated under '{step.OperationId}'").ConfigureAwait(false);

    private static async Task NoneUnfinishedAsync(StateManager store, string why) =>
        Check.Sequence([], (await store.ListUnfinishedWorkflowsAsync().ConfigureAwait(false)).Items.Select(static run => run.WorkflowId),
            $"unfinished runs once it is {why}");

    private static async Task<UnfinishedWorkflow> UnfinishedAsync(StateManager store)
    {
        var page = await store.ListUnfinishedWorkflowsAsync().ConfigureAwait(false);
        Check.Equal(1, page.Items.Count, "unfinished runs");
        return page.Items[0];
    }
}
