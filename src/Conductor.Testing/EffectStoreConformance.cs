using Conductor.State;

namespace Conductor.Testing;

/// <summary>What the <see cref="EffectStore"/> of every store has to keep: at most one recorded value per effect, the first.</summary>
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
    }

    private void Add(string name, Func<EffectStore, Task> run) => Add(name, async () =>
    {
        var store = await _create(new ConformanceEnvironment()).ConfigureAwait(false);
        await using var disposal = store.ConfigureAwait(false);
        await store.ConnectAsync().ConfigureAwait(false);
        await run(store.Effects).ConfigureAwait(false);
    });
}
