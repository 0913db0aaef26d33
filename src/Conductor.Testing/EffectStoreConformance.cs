using Conductor.State;

namespace Conductor.Testing;

/// <summary>
/// What the <see cref="EffectStore"/> of every store has to keep: at most one recorded value per effect, the first, and none of whoever has lost
/// the lease.
/// </summary>
public sealed class EffectStoreConformance : ConformanceSuite
{
    private static readonly EffectKey _key = new("run", "run:t:0", "call");

    private readonly Func<ConformanceEnvironment, ValueTask<StateManager>> _create;

    /// <summary>Makes the suite.</summary>
    /// <param name="create">Makes a fresh, empty store, not connected, on the clock it is given. The suite connects and disposes it.</param>
    public EffectStoreConformance(Func<ConformanceEnvironment, ValueTask<StateManager>> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        _create = create;
        Add("An effect that was not recorded has no value", async effects =>
            Check.Null(await effects.GetAsync(_key).ConfigureAwait(false), "the value"));
        Add("A recorded value is read again", async effects =>
        {
            int[] value = [1, 2];
            var recorded = await effects.RecordAsync(_key, TaskData.From(value)).ConfigureAwait(false);
            Check.Sequence([1, 2], recorded.Get<int[]>(), "what recording gave");
            Check.Sequence([1, 2], Check.NotNull(await effects.GetAsync(_key).ConfigureAwait(false), "the value").Get<int[]>(), "what reading gave");
        });
        Add("The first value wins, and later recorders get it", async effects =>
        {
            await effects.RecordAsync(_key, "first").ConfigureAwait(false);
            Check.Equal("first", (await effects.RecordAsync(_key, "second").ConfigureAwait(false)).Get<string>(), "what the second recorder got");
            Check.Equal("first", (await effects.GetAsync(_key).ConfigureAwait(false))!.Get<string>(), "the recorded value");
        });
        Add("Of racing recorders all get one and the same value, which is one of theirs", async effects =>
        {
            for (var round = 0; round < 10; round++)
            {
                var key = _key with { Name = $"{round}" };
                var got = await Check.RaceAsync(
                    16, async racer => (await effects.RecordAsync(key, $"{racer}").ConfigureAwait(false)).Get<string>()).ConfigureAwait(false);
                Check.Equal(1, got.Distinct(StringComparer.Ordinal).Count(), "different values");
                Check.Equal(got[0], (await effects.GetAsync(key).ConfigureAwait(false))!.Get<string>(), "the recorded value");
            }
        });
        Add("Effects of another scope, execution or name are others", async effects =>
        {
            EffectKey[] keys = [_key, _key with { Scope = "other" }, _key with { IdempotencyKey = "run:t:1" }, _key with { Name = "other" }];
            for (var i = 0; i < keys.Length; i++)
            {
                Check.Equal($"{i}", (await effects.RecordAsync(keys[i], $"{i}").ConfigureAwait(false)).Get<string>(), $"the value of {keys[i]}");
            }

            for (var i = 0; i < keys.Length; i++)
            {
                Check.Equal($"{i}", (await effects.GetAsync(keys[i]).ConfigureAwait(false))!.Get<string>(), $"the value of {keys[i]}");
            }
        });
        Add("An effect that gave nothing is recorded too", async effects =>
        {
            await effects.RecordAsync(_key, TaskData.Empty).ConfigureAwait(false);
            Check.True(Check.NotNull(await effects.GetAsync(_key).ConfigureAwait(false), "the value").IsEmpty, "an empty value");
            Check.True((await effects.RecordAsync(_key, "late").ConfigureAwait(false)).IsEmpty, "the late recorder to get the empty value");
        });
        AddOfStore("An effect under a lease is recorded while that is held, and refused once it was lost", async store =>
        {
            var first = Check.NotNull(await store.Leases.TryAcquireAsync("workflow:run", "first", TimeSpan.FromMinutes(1)).ConfigureAwait(false), "the lease");
            await store.Effects.RecordAsync(_key with { Lease = first }, "held").ConfigureAwait(false);
            var second = Check.NotNull(
                await store.Leases.TryTakeOverAsync(first, "second", TimeSpan.FromMinutes(1)).ConfigureAwait(false), "the lease taken over");
            var late = _key with { Name = "late", Lease = first };
            await Check.FailsAsync(ErrorCodes.LeaseLost, async () => await store.Effects.RecordAsync(late, "lost").ConfigureAwait(false),
                "recording under a lost lease").ConfigureAwait(false);
            Check.Null(await store.Effects.GetAsync(late).ConfigureAwait(false), "what was refused");
            Check.Equal("held", (await store.Effects.RecordAsync(_key with { Lease = first }, "again").ConfigureAwait(false)).Get<string>(),
                "what is recorded already");
            Check.Equal("new", (await store.Effects.RecordAsync(late with { Lease = second }, "new").ConfigureAwait(false)).Get<string>(),
                "what the new owner recorded");
        });
        AddOfStore("Effects go with their run, but not as long as there is a dead letter of their execution", async store =>
        {
            await store.SaveWorkflowStateAsync(
                new WorkflowState { WorkflowId = "run", DefinitionName = "any", Status = WorkflowStatus.Failed }).ConfigureAwait(false);
            var other = new EffectKey("run", "run:u:0", "call");
            await store.Effects.RecordAsync(_key, "kept").ConfigureAwait(false);
            await store.Effects.RecordAsync(other, "gone").ConfigureAwait(false);
            foreach (var id in (string[])["d1", "d2"])
            {
                await store.SaveDeadLetterAsync(new ErrorRecord
                {
                    Id = id, Code = "C", Message = "m", Timestamp = DateTimeOffset.UnixEpoch, WorkflowId = "run", IdempotencyKey = _key.IdempotencyKey,
                }).ConfigureAwait(false);
            }

            await store.DeleteWorkflowAsync("run").ConfigureAwait(false);
            Check.Null(await store.Effects.GetAsync(other).ConfigureAwait(false), "the effect of an execution without a letter");
            await store.DeleteDeadLetterAsync("d1").ConfigureAwait(false);
            Check.NotNull(await store.Effects.GetAsync(_key).ConfigureAwait(false), "the effect of an execution with a letter");
            await store.DeleteDeadLetterAsync("d2").ConfigureAwait(false);
            Check.Null(await store.Effects.GetAsync(_key).ConfigureAwait(false), "the effect after the last letter");
        });
        AddOfStore("A dead letter that goes takes no effects that are kept for something else: a run, a result, a task under way", async store =>
        {
            var underWay = new EffectKey("a:0", "a:0", "call") { TaskId = "a" };
            var ended = new EffectKey("b:0", "b:0", "call") { TaskId = "b" };
            await store.SaveWorkflowStateAsync(
                new WorkflowState { WorkflowId = "run", DefinitionName = "any", Status = WorkflowStatus.InProgress }).ConfigureAwait(false);
            EffectKey[] keys = [_key, underWay, ended];
            foreach (var key in keys)
            {
                await store.Effects.RecordAsync(key, "kept").ConfigureAwait(false);
            }

            await store.SaveTaskResultAsync(new TaskResult { TaskId = "b", Status = AgentTaskStatus.Completed }).ConfigureAwait(false);
            foreach (var deleted in (bool[])[true, false])
            {
                foreach (var key in keys)
                {
                    await store.SaveDeadLetterAsync(new ErrorRecord
                    {
                        Id = key.IdempotencyKey, Code = "C", Message = "m", Timestamp = DateTimeOffset.UnixEpoch,
                        WorkflowId = key == _key ? "run" : null, IdempotencyKey = key.IdempotencyKey,
                    }).ConfigureAwait(false);
                    if (deleted)
                    {
                        await store.DeleteDeadLetterAsync(key.IdempotencyKey).ConfigureAwait(false);
                    }
                }

                await store.ClearDeadLettersAsync().ConfigureAwait(false);
                foreach (var key in keys)
                {
                    Check.NotNull(await store.Effects.GetAsync(key).ConfigureAwait(false), $"the effect of {key.IdempotencyKey}");
                }
            }
        });
    }

    private void Add(string name, Func<EffectStore, Task> run) => AddOfStore(name, store => run(store.Effects));

    private void AddOfStore(string name, Func<StateManager, Task> run) => AddOfStore(name, _create, (store, _) => run(store));
}
