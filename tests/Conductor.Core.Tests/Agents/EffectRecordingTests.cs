using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Agents;

/// <summary>An effect was done, and the store cannot record it now.</summary>
public sealed class EffectRecordingTests
{
    [Theory]
    [InlineData(3, 1, AgentTaskStatus.Completed)]
    [InlineData(int.MaxValue, 2, AgentTaskStatus.Failed)]
    public async Task OnceAsync_TheStoreFails_RecordsLaterAndRunsTheEffectAgainOnlyWhenThatFails(int failures, int expectedRuns, AgentTaskStatus expected)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { State = environment => new Store(new InMemoryStateManager(environment), failures) });
        var runs = 0;
        await rig.AddAsync(async (task, token) => TaskData.From(await task.OnceAsync("pay", _ => new ValueTask<int>(Interlocked.Increment(ref runs)), token)));

        var result = await rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Retry = new RetrySettings { MaxRetries = 1 } }));

        (result.Status, runs).Should().Be((expected, expectedRuns));
        rig.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1320);
    }

    [Fact]
    public async Task OnceAsync_TheAttemptIsOver_IsNotTriedOnAndOn()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { State = environment => new Store(new InMemoryStateManager(environment), int.MaxValue) });
        await rig.AddAsync(async (task, token) => TaskData.From(await task.OnceAsync("pay", static _ => new ValueTask<int>(1), token)), id: "a");

        var result = await rig.DriveAsync(
            rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(1), Retry = new RetrySettings { MaxRetries = 0 } }));

        result.Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        await Rig.UntilAsync(() => rig.Coordinator.GetAvailableAgents(AgentType.Coding).Count == 1, "the agent to return");
    }

    private sealed class Store(StateManager inner, int failures) : DelegatingStateManager(inner)
    {
        private readonly UnreliableEffects _effects = new(inner.Effects, failures);

        public override EffectStore Effects => _effects;
    }

    private sealed class UnreliableEffects(EffectStore inner, int failures) : EffectStore
    {
        private int _left = failures;

        protected override ValueTask<TaskData?> GetCoreAsync(EffectKey key, CancellationToken cancellationToken) => inner.GetAsync(key, cancellationToken);

        protected override ValueTask<TaskData> RecordCoreAsync(EffectKey key, TaskData value, CancellationToken cancellationToken) =>
            Interlocked.Decrement(ref _left) >= 0
            ? throw new StateException(ErrorCodes.StateUnavailable, "locked") { IsTransient = true }
            : inner.RecordAsync(key, value, cancellationToken);
    }
}
