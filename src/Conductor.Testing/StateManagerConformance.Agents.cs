using Conductor.State;

namespace Conductor.Testing;

/// <content>Connection and agent states.</content>
public sealed partial class StateManagerConformance
{
    private void AddConnectionCases()
    {
        Add("A store that is not connected fails with STATE_NOT_CONNECTED", async store =>
        {
            await store.DisconnectAsync().ConfigureAwait(false);
            await Check.FailsAsync(ErrorCodes.StateNotConnected, () => store.GetWorkflowStateAsync("run").AsTask(), "a read").ConfigureAwait(false);
            await Check.FailsAsync(ErrorCodes.StateNotConnected, () => store.SaveAgentStateAsync(Agent("a")).AsTask(), "a save").ConfigureAwait(false);
        });
        Add("Leases and effects of a store that is not connected fail with STATE_NOT_CONNECTED", async store =>
        {
            var lease = Check.NotNull(await store.Leases.TryAcquireAsync("l", "o", TimeSpan.FromMinutes(1)).ConfigureAwait(false), "a free lease");
            var effect = new EffectKey("run", "run:t:0", "call");
            await store.DisconnectAsync().ConfigureAwait(false);
            (Func<Task> Operation, string Name)[] operations =
            [
                (() => store.Leases.TryAcquireAsync("other", "o", TimeSpan.FromMinutes(1)).AsTask(), "taking a lease"),
                (() => store.Leases.TryTakeOverAsync(lease, "p", TimeSpan.FromMinutes(1)).AsTask(), "taking a lease over"),
                (() => store.Leases.TryRenewAsync(lease, TimeSpan.FromMinutes(1)).AsTask(), "renewing a lease"),
                (() => store.Leases.ReleaseAsync(lease).AsTask(), "releasing a lease"),
                (() => store.Leases.GetAsync("l").AsTask(), "reading a lease"),
                (() => store.Effects.GetAsync(effect).AsTask(), "reading an effect"),
                (() => store.Effects.RecordAsync(effect, "value").AsTask(), "recording an effect"),
            ];
            foreach (var (operation, name) in operations)
            {
                await Check.FailsAsync(ErrorCodes.StateNotConnected, operation, name).ConfigureAwait(false);
            }
        });
        Add("What was saved is there after disconnect and connect, each done twice", async store =>
        {
            await store.SaveAgentStateAsync(Agent("a")).ConfigureAwait(false);
            await store.SaveWorkflowStateAsync(State()).ConfigureAwait(false);
            await store.SaveTaskResultAsync(Result("t")).ConfigureAwait(false);
            var lease = Check.NotNull(
                await store.Leases.TryAcquireAsync(StateManager.WorkflowKey("other"), "one", TimeSpan.FromMinutes(1)).ConfigureAwait(false), "a free lease");
            var step = FullStep(0) with { Summary = Summary("other"), Lease = lease, Results = [Result("t1", "other")], Events = [Event(1, "other")] };
            await store.CommitWorkflowAsync(step).ConfigureAwait(false);
            await store.RequestCancellationAsync("other").ConfigureAwait(false);
            await store.SaveDeadLetterAsync(Letter("d")).ConfigureAwait(false);
            var effect = new EffectKey("other", "other:t1:0", "call");
            await store.Effects.RecordAsync(effect, "value").ConfigureAwait(false);
            await store.DisconnectAsync().ConfigureAwait(false);
            await store.DisconnectAsync().ConfigureAwait(false);
            await store.ConnectAsync().ConfigureAwait(false);
            await store.ConnectAsync().ConfigureAwait(false);
            Check.NotNull(await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
            Check.NotNull(await store.GetWorkflowStateAsync("run").ConfigureAwait(false), "the run's state");
            Check.NotNull(await store.GetTaskResultAsync("t").ConfigureAwait(false), "the result");
            Check.NotNull(await store.GetWorkflowStateAsync("other").ConfigureAwait(false), "the state of the run that a step began");
            Check.NotNull(await store.GetWorkflowDefinitionAsync("other").ConfigureAwait(false), "its definition");
            Check.NotNull(await store.GetTaskResultAsync("other", "t1", 0).ConfigureAwait(false), "its result");
            Check.Equal(1, (await store.GetWorkflowHistoryAsync("other").ConfigureAwait(false))?.Events.Count, "its events");
            Check.True(await store.IsCancellationRequestedAsync("other").ConfigureAwait(false), "the wish to cancel it to be there");
            Check.True(
                lease.IsSameTaking(await store.Leases.GetAsync(StateManager.WorkflowKey("other")).ConfigureAwait(false)), "its lease to be held still");
            Check.NotNull(await store.GetDeadLetterAsync("d").ConfigureAwait(false), "the dead letter");
            Check.Equal("value", (await store.Effects.GetAsync(effect).ConfigureAwait(false))?.Get<string>(), "the effect's value");
        });
        Add("An operation that is cancelled already changes nothing", async store =>
        {
            await Check.ThrowsAsync<OperationCanceledException>(
                () =>
                    store.SaveAgentStateAsync(Agent("a"), cancellationToken: new CancellationToken(canceled: true)).AsTask(), "the save").ConfigureAwait(false);
            Check.Null(await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
        });
    }

    private void AddAgentCases()
    {
        Add("An agent's state is read as it was saved, with its version", async store =>
        {
            Check.Null(await store.GetAgentStateAsync("a").ConfigureAwait(false), "the state of an unknown agent");
            var version = await store.SaveAgentStateAsync(Agent("a", completed: 5)).ConfigureAwait(false);
            Same(Agent("a", completed: 5) with { StoreVersion = version }, await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
        });
        Add("Saving an agent's state without an expectation overwrites, and each save has a greater version", async store =>
        {
            var first = await store.SaveAgentStateAsync(Agent("a", completed: 1)).ConfigureAwait(false);
            var second = await store.SaveAgentStateAsync(Agent("a", completed: 2)).ConfigureAwait(false);
            Check.True(first > 0 && second > first, $"growing versions over zero, found {first} and {second}");
            Check.Equal(2, (await store.GetAgentStateAsync("a").ConfigureAwait(false))!.CompletedTasks, "completed tasks");
        });
        Add("Saving an agent's state from a stale version fails with STATE_CONFLICT and changes nothing", async store =>
        {
            var first = await store.SaveAgentStateAsync(Agent("a", completed: 1), StateExpectation.MustNotExist).ConfigureAwait(false);
            var second = await store.SaveAgentStateAsync(Agent("a", completed: 2), StateExpectation.AtVersion(first)).ConfigureAwait(false);
            foreach (var stale in new[] { StateExpectation.AtVersion(first), StateExpectation.MustNotExist, StateExpectation.AtVersion(second + 1) })
            {
                await Check.FailsAsync(
                    ErrorCodes.StateConflict, () => store.SaveAgentStateAsync(Agent("a", completed: 9), stale).AsTask(), $"a save expecting {stale}")
                    .ConfigureAwait(false);
            }

            Same(Agent("a", completed: 2) with { StoreVersion = second }, await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
        });
        Add("Saving an agent's state at a version where none is stored fails with STATE_CONFLICT", async store =>
        {
            await Check.FailsAsync(
                ErrorCodes.StateConflict, () =>
                    store.SaveAgentStateAsync(Agent("a"), StateExpectation.AtVersion(1)).AsTask(), "the save").ConfigureAwait(false);
            Check.Null(await store.GetAgentStateAsync("a").ConfigureAwait(false), "the agent's state");
        });
        Add("Of racing saves of an agent's state from one version exactly one wins", async store =>
        {
            var version = await store.SaveAgentStateAsync(Agent("a")).ConfigureAwait(false);
            var winners = await Check.RaceAsync(16, racer => WinsAsync(
                () => store.SaveAgentStateAsync(Agent("a", completed: racer + 1), StateExpectation.AtVersion(version)).AsTask())).ConfigureAwait(false);
            Check.Equal(1, winners.Count(static won => won), "winners");
            Check.Equal(
                Array.IndexOf(winners, true) + 1L, (await store.GetAgentStateAsync("a").ConfigureAwait(false))!.CompletedTasks, "what the winner saved");
        });
        Add("Deleting an agent's state says whether there was one", async store =>
        {
            Check.True(!await store.DeleteAgentStateAsync("a").ConfigureAwait(false), "false for an unknown agent");
            await store.SaveAgentStateAsync(Agent("a")).ConfigureAwait(false);
            Check.True(await store.DeleteAgentStateAsync("a").ConfigureAwait(false), "true for a known agent");
            Check.Null(await store.GetAgentStateAsync("a").ConfigureAwait(false), "the state after deletion");
        });
        Add("The pages of agent states cover every agent exactly once, ordered by id", async store =>
        {
            var ids = Enumerable.Range(0, 25).Select(static i => $"agent-{i * 7 % 25:00}").ToList();
            foreach (var id in ids)
            {
                await store.SaveAgentStateAsync(Agent(id)).ConfigureAwait(false);
            }

            int[] sizes = [1, 5, 7, 25, 1000];
            foreach (var size in sizes)
            {
                var all = await AllPagesAsync(page => store.ListAgentStatesAsync(page), size).ConfigureAwait(false);
                Check.Sequence(ids.Order(StringComparer.Ordinal), all.Select(static state => state.AgentId), $"ids on pages of {size}");
            }
        });
    }

    /// <summary>Whether a save won, where losing means STATE_CONFLICT.</summary>
    private static async Task<bool> WinsAsync(Func<Task> save)
    {
        try
        {
            await save().ConfigureAwait(false);
            return true;
        }
        catch (StateException exception) when (exception.ErrorCode == ErrorCodes.StateConflict)
        {
            return false;
        }
    }
}
