using System.Collections.Concurrent;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>What the store says of an agent while its state is saved in the background.</summary>
public sealed class AgentStateTests
{
    private static readonly CancellationToken _noTime = new(canceled: true);
    private readonly HoldingStore _store = new();

    [Fact]
    public async Task UnregisterAgentAsync_ItsStateIsBeingSaved_DoesNotComeBack()
    {
        await using var rig = await StartSavingAsync();

        var unregister = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        await Rig.SettleAsync();
        _store.Gate.SetResult();
        (await unregister).Should().BeTrue();
        await _store.Saved.Task;

        (await rig.State.GetAgentStateAsync("a")).Should().BeNull();
        (await rig.Coordinator.GetAgentStatusAsync("a")).Should().BeNull();
    }

    [Fact]
    public async Task StopAsync_AStateIsBeingSaved_TheLastSnapshotIsTheLast()
    {
        await using var rig = await StartSavingAsync();

        var stop = rig.Coordinator.StopAsync().AsTask();
        await Rig.SettleAsync();
        _store.Gate.SetResult();
        await stop;

        (await rig.State.GetAgentStateAsync("a"))!.Status.Should().Be(AgentStatus.Stopped);
    }

    [Fact]
    public async Task RegisterAgentAsync_TheStoreSaysThatItIsIdle()
    {
        await using var rig = await Rig.StartAsync();

        await rig.AddAsync(static _ => TaskData.Empty, id: "a");

        (await rig.State.GetAgentStateAsync("a"))!.Status.Should().Be(AgentStatus.Idle);
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStoreHangs_IsWaitedForAsLongAsItMayAndDeletesLater()
    {
        await using var rig = await StartSavingAsync();

        (await rig.DriveAsync(rig.Coordinator.UnregisterAgentAsync("a", _noTime).AsTask())).Should().BeTrue();

        rig.Coordinator.AgentIds.Should().BeEmpty();
        rig.Logs.GetSnapshot().Should().ContainSingle(entry => entry.Id.Id == 1355);
        _store.Gate.SetResult();
        await _store.Deleted.Task.WaitAsync(TimeSpan.FromSeconds(20));
        (await rig.State.GetAgentStateAsync("a")).Should().BeNull();
    }

    [Fact]
    public async Task StopAsync_TheStoreHangs_IsWaitedForAsLongAsItMay()
    {
        await using var rig = await StartSavingAsync();

        await rig.DriveAsync(rig.Coordinator.StopAsync(_noTime).AsTask());

        rig.Coordinator.IsStarted.Should().BeFalse();
        rig.Logs.GetSnapshot().Should().ContainSingle(entry => entry.Id.Id == 1355);
        _store.Gate.SetResult();
    }

    [Fact]
    public async Task Store_CannotSaveAStateNow_ItIsSavedLater()
    {
        await using var rig = await StartTroubledAsync(static () => throw new IOException("disk"), eventId: 1337);
        (await rig.State.GetAgentStateAsync("a"))!.CompletedTasks.Should().Be(0);

        TroubleOf(rig).Clear();

        await rig.DriveAsync(SavedAsync(rig, "a", completedTasks: 1));
    }

    [Fact]
    public async Task Store_NeverAnswersAboutOneState_ThoseOfTheOthersAreSaved()
    {
        await using var rig = await StartSavingAsync();
        await rig.AddAsync(static _ => TaskData.Empty, AgentType.Review, id: "b");

        (await rig.DispatchAsync(Rig.NewTask(AgentType.Review))).IsSuccess.Should().BeTrue();

        await rig.DriveAsync(SavedAsync(rig, "b", completedTasks: 1));
        rig.Logs.GetSnapshot().Should().ContainSingle(entry => entry.Id.Id == 1372);
        _store.Gate.SetResult();
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStoreDoesNotAnswerAboutAnotherAgent_IsNotHeldUp()
    {
        await using var rig = await StartSavingAsync();
        await rig.AddAsync(static _ => TaskData.Empty, AgentType.Review, id: "b");

        (await rig.Coordinator.UnregisterAgentAsync("b").AsTask().WaitAsync(TimeSpan.FromSeconds(20))).Should().BeTrue("no time has to pass for that");

        _store.Gate.SetResult();
    }

    [Fact]
    public async Task Store_FailsAtAStateMuchLater_IsLoggedAsOneThatIsTriedAgain()
    {
        var answer = new TaskCompletionSource();
        await using var rig = await StartTroubledAsync(() => answer.Task, eventId: 1372);

        TroubleOf(rig).Clear();
        answer.SetException(new IOException("disk"));

        await rig.DriveAsync(SavedAsync(rig, "a", completedTasks: 1));
        rig.Logs.GetSnapshot().Select(static entry => entry.Id.Id).Should().Contain(1337).And.NotContain(1371);
    }

    [Fact]
    public async Task Store_SavesAStateMuchLater_TheNewestWins()
    {
        await using var rig = await StartSavingAsync();
        await rig.DriveAsync(SaidAsync(rig, 1372));
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();

        _store.Gate.SetResult();

        await rig.DriveAsync(SavedAsync(rig, "a", completedTasks: 2));
    }

    [Fact]
    public async Task UnregisterAgentAsync_TheStoreSavesItsStateMuchLater_DoesNotComeBack()
    {
        await using var rig = await StartSavingAsync();
        await rig.DriveAsync(SaidAsync(rig, 1372));

        var unregister = rig.Coordinator.UnregisterAgentAsync("a").AsTask();
        await Rig.SettleAsync();
        _store.Gate.SetResult();
        (await unregister).Should().BeTrue();
        await _store.Saved.Task;

        (await rig.State.GetAgentStateAsync("a")).Should().BeNull();
    }

    private static Task SaidAsync(Rig rig, int eventId) =>
        Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(entry => entry.Id.Id == eventId), $"event {eventId}");

    private static Task SavedAsync(Rig rig, string agentId, int completedTasks) => Rig.UntilAsync(
        () => rig.State.GetAgentStateAsync(agentId).AsTask() is { IsCompletedSuccessfully: true, Result: { } state } && state.CompletedTasks == completedTasks,
        $"the state of '{agentId}'");

    private static ConcurrentDictionary<string, Func<Task>> TroubleOf(Rig rig) => ((TroubledStateManager)rig.State).Trouble;

    /// <summary>An agent has done something, and the store is in trouble with its state, as an event says.</summary>
    private static async Task<Rig> StartTroubledAsync(Func<Task> trouble, int eventId)
    {
        var rig = await Rig.StartAsync(new RigOptions { State = static environment => new TroubledStateManager(new InMemoryStateManager(environment)) });
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        TroubleOf(rig)["SaveAgentStateAsync"] = trouble;
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        await rig.DriveAsync(SaidAsync(rig, eventId));
        return rig;
    }

    /// <summary>An agent has done something, and its state is on its way into the store.</summary>
    private async Task<Rig> StartSavingAsync()
    {
        var rig = await Rig.StartAsync(new RigOptions { State = environment => _store.Around(new InMemoryStateManager(environment)) });
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
        _store.Holds = true;
        await rig.DriveAsync(_store.Entered.Task);
        return rig;
    }

    /// <summary>Lets the next save of an agent's state wait when it is told to.</summary>
    private sealed class HoldingStore
    {
        public TaskCompletionSource Entered { get; } = new();

        public TaskCompletionSource Gate { get; } = new();

        public TaskCompletionSource Saved { get; } = new();

        public TaskCompletionSource Deleted { get; } = new();

        public bool Holds { get; set; }

        public StateManager Around(StateManager inner) => new Manager(inner, this);

        private sealed class Manager(StateManager inner, HoldingStore store) : DelegatingStateManager(inner)
        {
            protected override async ValueTask<long> SaveAgentStateCoreAsync(
                AgentState state, StateExpectation expectation, CancellationToken cancellationToken)
            {
                if (!store.Holds)
                {
                    return await base.SaveAgentStateCoreAsync(state, expectation, cancellationToken);
                }

                store.Holds = false;
                store.Entered.SetResult();
                await store.Gate.Task;
                var version = await base.SaveAgentStateCoreAsync(state, expectation, CancellationToken.None);
                store.Saved.SetResult();
                return version;
            }

            protected override async ValueTask<bool> DeleteAgentStateCoreAsync(string agentId, CancellationToken cancellationToken)
            {
                var wasThere = await base.DeleteAgentStateCoreAsync(agentId, cancellationToken);
                store.Deleted.TrySetResult();
                return wasThere;
            }
        }
    }
}
