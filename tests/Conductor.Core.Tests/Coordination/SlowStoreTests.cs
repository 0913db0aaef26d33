using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>A store that takes its time to say whether a task ran before: its answers come in any order, and its time counts.</summary>
public sealed class SlowStoreTests
{
    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_AnswersInAnotherOrder_TasksRunInTheOrderOfTheirDispatch()
    {
        var store = new AskedStateManager();
        await using var rig = await Rig.StartAsync(new RigOptions { State = _ => store });
        var order = new List<string>();
        var isBusy = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            order.Add(task.Task.Id);
            await isBusy.Task;
            return TaskData.Empty;
        });
        var first = rig.DispatchAsync(Rig.NewTask() with { Id = "first" });
        store.Asked[0].SetResult();
        await Rig.UntilAsync(() => order.Count == 1, "the first task");

        var dispatches = new List<Task> { first };
        foreach (var id in (string[])["a", "b", "c", "d"])
        {
            rig.Time.Advance(TimeSpan.FromMilliseconds(1));
            dispatches.Add(rig.DispatchAsync(Rig.NewTask() with { Id = id }));
        }

        for (var i = 4; i > 0; i--)
        {
            store.Asked[i].SetResult();
            await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 5 - i, "the task to wait");
        }

        isBusy.SetResult();
        await Task.WhenAll(dispatches);
        order.Should().Equal("first", "a", "b", "c", "d");
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_StoreThatAnswersAfterTheDeadline_DoesNotRunTheTask()
    {
        var store = new AskedStateManager();
        await using var rig = await Rig.StartAsync(new RigOptions { State = _ => store });
        var ran = false;
        await rig.AddAsync(_ =>
        {
            ran = true;
            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(2) });
        rig.Time.Advance(TimeSpan.FromSeconds(3));

        store.Asked[0].SetResult();

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<AgentTimeoutException>();
        ran.Should().BeFalse();
    }

    /// <summary>A store that answers the question whether a task ran before when it is told to.</summary>
    private sealed class AskedStateManager() : DelegatingStateManager(new InMemoryStateManager())
    {
        public List<TaskCompletionSource> Asked { get; } = [];

        protected override async ValueTask<TaskResult?> GetTaskResultCoreAsync(ExecutionKey key, CancellationToken cancellationToken)
        {
            var told = new TaskCompletionSource();
            Asked.Add(told);
            await told.Task;
            return await base.GetTaskResultCoreAsync(key, cancellationToken);
        }
    }
}
