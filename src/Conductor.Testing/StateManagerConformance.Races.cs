using Conductor.State;

namespace Conductor.Testing;

/// <content>A lease that is taken over while its owner commits, and readers while somebody does.</content>
public sealed partial class StateManagerConformance
{
    private void AddRaceCases()
    {
        Add("Of the steps of an owner none lands once its lease was taken over, however close the two come", async store =>
        {
            for (var round = 0; round < 60; round++)
            {
                await OwnerAndHeirAsync(store, $"run-{round}", round % 6).ConfigureAwait(false);
            }
        });
        Add("Whoever reads while steps are committed sees all parts of one version", ReadersAsync);
    }

    private static async Task OwnerAndHeirAsync(StateManager store, string id, int head)
    {
        const int Steps = 12;
        var key = StateManager.WorkflowKey(id);
        var lease = Check.NotNull(await store.Leases.TryAcquireAsync(key, "owner", TimeSpan.FromMinutes(1)).ConfigureAwait(false), "the lease");
        var version = await store.CommitWorkflowAsync(Step(0, Summary(id), lease)).ConfigureAwait(false);
        var (committed, heirs, hasEnded) = (0, 0L, false);
        await Check.RaceAsync(2, async racer =>
        {
            if (racer == 0)
            {
                try
                {
                    while (committed < Steps && await CommitsAsync(version, committed + 1).ConfigureAwait(false) is { } next)
                    {
                        version = next;
                        Volatile.Write(ref committed, committed + 1);
                    }
                }
                finally
                {
                    Volatile.Write(ref hasEnded, true);
                }
            }
            else
            {
                await UntilAsync(() => Volatile.Read(ref committed) >= head || Volatile.Read(ref hasEnded)).ConfigureAwait(false);
                heirs = await TakeOverAsync().ConfigureAwait(false);
            }

            return 0;
        }).ConfigureAwait(false);
        var state = (await store.GetWorkflowStateAsync(id).ConfigureAwait(false))!;
        Check.Equal(heirs, state.StoreVersion, "the version once both had ended");
        Check.Equal(1000, state.Round, "the round once both had ended, which the new owner saved");
        Check.Equal(committed, state.TaskResults.Count, "results of the steps that the old owner was told to have landed");

        async Task<long?> CommitsAsync(long expected, int number)
        {
            try
            {
                return await store.CommitWorkflowAsync(
                    Step(expected, Summary(id) with { Round = number }, lease) with { Results = [Result($"t{number}", id)] }).ConfigureAwait(false);
            }
            catch (StateException exception)
            {
                Check.Equal(ErrorCodes.LeaseLost, exception.ErrorCode, "the error code of a step under the lease that was taken over");
                return null;
            }
        }

        async Task<long> TakeOverAsync()
        {
            var taken = Check.NotNull(await store.Leases.TryTakeOverAsync(lease, "heir", _term).ConfigureAwait(false), "the lease taken over");
            var found = (await store.GetWorkflowStateAsync(id).ConfigureAwait(false))!;
            try
            {
                return await store.CommitWorkflowAsync(Step(found.StoreVersion, Summary(id) with { Round = 1000 }, taken)).ConfigureAwait(false);
            }
            catch (StateException exception) when (exception.ErrorCode == ErrorCodes.StateConflict)
            {
                throw new ConformanceException("a step of the old owner landed after its lease was taken over, and the new owner's met it", exception);
            }
        }
    }

    private static async Task ReadersAsync(StateManager store)
    {
        const int Steps = 60;
        var version = await store.CommitWorkflowAsync(Step(0, Summary() with { Round = 0 })).ConfigureAwait(false);
        var hasEnded = false;
        await Check.RaceAsync(3, async racer =>
        {
            if (racer > 0)
            {
                while (!Volatile.Read(ref hasEnded))
                {
                    await CheckOneVersionAsync().ConfigureAwait(false);
                    await Task.Yield();
                }

                return 0;
            }

            try
            {
                for (var i = 1; i <= Steps; i++)
                {
                    version = await store.CommitWorkflowAsync(Step(version, Summary() with { Round = i }) with
                    {
                        Results = [Result($"t{i}", "run")], NewAgents = [$"a{i}"], Events = [Event(i)],
                    }).ConfigureAwait(false);
                }
            }
            finally
            {
                Volatile.Write(ref hasEnded, true);
            }

            return 0;
        }).ConfigureAwait(false);

        async Task CheckOneVersionAsync()
        {
            var before = (await store.GetWorkflowHistoryAsync("run").ConfigureAwait(false))!.LastPosition;
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Equal(state.Round, state.TaskResults.Count, "results in the state of step so many");
            Check.Equal(state.Round, state.ParticipatingAgents.Count, "agents in the state of step so many");
            Check.True(state.Round >= before, $"the state not to be older than an event read before, {before}, found that of step {state.Round}");
        }
    }
}
