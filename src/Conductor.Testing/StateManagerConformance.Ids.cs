using Conductor.State;

namespace Conductor.Testing;

/// <content>Ids are told apart by each of their characters.</content>
public sealed partial class StateManagerConformance
{
    private static readonly string[] _nearlyAlike = ["id", "ID", "id ", "i\u0308d", "\u00EFd"];

    private void AddIdCases()
    {
        Add("Agents whose ids differ in case, or by a blank at the end, are different ones", store => AreDifferentAsync(
            async (id, i) => await store.SaveAgentStateAsync(Agent(id, completed: i), StateExpectation.MustNotExist).ConfigureAwait(false),
            async id => (int?)(await store.GetAgentStateAsync(id).ConfigureAwait(false))?.CompletedTasks,
            id => store.DeleteAgentStateAsync(id)));
        Add("Runs whose ids differ in case, or by a blank at the end, are different ones", store => AreDifferentAsync(
            async (id, i) => await store.CommitWorkflowAsync(
                Step(0, Summary(id) with { Round = i }) with { Results = [Result("t", id, output: $"{i}")], Events = [Event(1, id)] }).ConfigureAwait(false),
            async id =>
            {
                var state = await store.GetWorkflowStateAsync(id).ConfigureAwait(false);
                var output = (await store.GetTaskResultAsync(id, "t", 0).ConfigureAwait(false))?.Output.Get<string>();
                Check.Equal(state is null ? null : $"{state.Round}", output, $"the output of run '{id}'");
                Check.Equal(state is null ? 0 : 1, (await store.GetWorkflowHistoryAsync(id).ConfigureAwait(false))?.Events.Count ?? 0, $"events of run '{id}'");
                return state?.Round;
            },
            id => store.DeleteWorkflowAsync(id)));
        Add("Tasks whose ids differ in case, or by a blank at the end, are different ones", async store =>
        {
            await AreDifferentAsync(
                async (id, i) => Check.Equal(
                    RecordOutcome.Recorded, await store.SaveTaskResultAsync(Result(id, round: i)).ConfigureAwait(false), $"the outcome of '{id}'"),
                async id => (await store.GetTaskResultAsync(id).ConfigureAwait(false))?.Round).ConfigureAwait(false);
            await store.CommitWorkflowAsync(
                Step(0) with { Results = [.. _nearlyAlike.Select(static (id, i) => Result(id, "run", output: $"{i}"))] }).ConfigureAwait(false);
            var state = (await store.GetWorkflowStateAsync("run").ConfigureAwait(false))!;
            Check.Sequence(
                _nearlyAlike.Select(static (_, i) => $"{i}"),
                _nearlyAlike.Select(id => state.TaskResults.GetValueOrDefault(id)?.Output.Get<string>() ?? "none"),
                "outputs of the tasks in the state of a run");
        });
        Add("Dead letters, effects and leases whose names differ in case, or by a blank at the end, are different ones", async store =>
        {
            await AreDifferentAsync(
                async (id, i) => await store.SaveDeadLetterAsync(Letter(id) with { RetryCount = i }).ConfigureAwait(false),
                async id => (await store.GetDeadLetterAsync(id).ConfigureAwait(false))?.RetryCount,
                id => store.DeleteDeadLetterAsync(id)).ConfigureAwait(false);
            await AreDifferentAsync(
                async (id, i) => await store.Effects.RecordAsync(new EffectKey("run", "run:t:0", id), TaskData.From(i)).ConfigureAwait(false),
                async id => (await store.Effects.GetAsync(new EffectKey("run", "run:t:0", id)).ConfigureAwait(false))?.Get<int>()).ConfigureAwait(false);
            await AreDifferentAsync(
                async (id, i) => Check.NotNull(
                    await store.Leases.TryAcquireAsync(id, $"{i}", TimeSpan.FromMinutes(1)).ConfigureAwait(false), $"the free lease '{id}'"),
                async id => await store.Leases.GetAsync(id).ConfigureAwait(false) is { } lease ? lease.Owner[0] - '0' : null).ConfigureAwait(false);
        });
    }

    /// <summary>Saves one of each id, reads each, and deletes them one by one.</summary>
    private static async Task AreDifferentAsync(Func<string, int, Task> save, Func<string, Task<int?>> read, Func<string, ValueTask<bool>>? delete = null)
    {
        for (var i = 0; i < _nearlyAlike.Length; i++)
        {
            await save(_nearlyAlike[i], i).ConfigureAwait(false);
        }

        for (var deleted = 0; deleted <= (delete is null ? 0 : _nearlyAlike.Length); deleted++)
        {
            for (var i = 0; i < _nearlyAlike.Length; i++)
            {
                Check.Equal(i < deleted ? null : i, await read(_nearlyAlike[i]).ConfigureAwait(false), $"what is kept of '{_nearlyAlike[i]}'");
            }

            if (deleted < _nearlyAlike.Length && delete is not null)
            {
                Check.True(await delete(_nearlyAlike[deleted]).ConfigureAwait(false), $"'{_nearlyAlike[deleted]}' to be deleted");
            }
        }
    }
}
