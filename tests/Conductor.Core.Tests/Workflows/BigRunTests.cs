using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Runs with many tasks, or many agents, or little room in the queue.</summary>
public sealed class BigRunTests
{
    private static readonly AgentType _parent = new("parent");

    private static WorkflowDefinition Many(int count, AgentType type) => WorkflowDefinition.Create("many").Phase(WorkflowPhase.Development, phase =>
    {
        for (var index = 0; index < count; index++)
        {
            phase.Task($"{index}", type);
        }
    }).Build();

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_FirstOfALongChainFails_BlocksTheWholeChain()
    {
        const int Length = 60_000;
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static (_, _) => throw new InvalidOperationException("bug"));
        var definition = new WorkflowDefinition
        {
            Name = "chain",
            Phases = [WorkflowPhase.Development],
            Tasks = [.. Enumerable.Range(0, Length).Select(static index => new TaskDefinition
            {
                Id = $"{index}", AgentType = AgentType.Coding, DependsOn = index == 0 ? [] : [$"{index - 1}"],
            })],
        };

        var state = await rig.Engine.RunWorkflowAsync(definition);

        (state.Status, state.FailedTasks).Should().Be((WorkflowStatus.Failed, Length));
        state.TaskResults[$"{Length - 1}"].Status.Should().Be(AgentTaskStatus.Blocked);
    }

    [Theory]
    [InlineData(WorkflowOptions.DefaultTaskWindow + 2, 10_000)]
    [InlineData(4, 1)]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_AgentsForAllTasks_RunsAllAtOnce(int agents, int queueCapacity)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new() { QueueCapacity = queueCapacity } });
        var (running, all) = (0, new TaskCompletionSource());
        for (var agent = 0; agent < agents; agent++)
        {
            await rig.AddAsync(async (_, token) =>
            {
                if (Interlocked.Increment(ref running) == agents)
                {
                    all.SetResult();
                }

                await all.Task.WaitAsync(token);
                return TaskData.Empty;
            });
        }

        var run = rig.Engine.RunWorkflowAsync(Many(agents, AgentType.Coding)).AsTask();
        await Rig.UntilAsync(() => all.Task.IsCompleted, "all tasks to run at once");

        (await run).Status.Should().Be(WorkflowStatus.Completed);
    }

    /// <summary>By the window, and by the queue.</summary>
    [Theory]
    [InlineData(1, 10_000)]
    [InlineData(128, 1)]
    public async Task RegisterAgentAsync_WhileARunWaitsForRoom_NoAgentIdles(int window, int queueCapacity)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new() { QueueCapacity = queueCapacity }, Workflows = new() { TaskWindow = window } });
        var (running, release) = (0, new TaskCompletionSource());
        await AddAsync();
        var run = rig.Engine.RunWorkflowAsync(Many(6, AgentType.Coding)).AsTask();
        await Rig.UntilAsync(() => Volatile.Read(ref running) == 1, "the first");

        for (var agents = 2; agents <= 4; agents++)
        {
            await AddAsync();
            await Rig.UntilAsync(() => Volatile.Read(ref running) == agents, $"{agents} at once");
        }

        release.SetResult();
        (await run).Status.Should().Be(WorkflowStatus.Completed);

        Task AddAsync() => rig.AddAsync(async (_, token) =>
        {
            Interlocked.Increment(ref running);
            await release.Task.WaitAsync(token);
            return TaskData.Empty;
        });
    }

    /// <summary>More of them than may wait, too: they wait for what the others do.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    [Trait("Behaviour", "3")]
    public async Task RunWorkflowAsync_TasksAwaitOtherRunsBesideAQueueOfOne_Completes(int parents)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new() { QueueCapacity = 1 } });
        await rig.AddAsync(static _ => TaskData.Empty);
        await rig.AddAsync(
            async (_, token) => TaskData.From((await rig.Engine.RunWorkflowAsync(Many(3, AgentType.Coding), options: null, token)).CompletedTasks), _parent);

        var run = rig.Engine.RunWorkflowAsync(Many(parents, _parent)).AsTask();
        await Rig.UntilAsync(() => run.IsCompleted, "the run to end by itself");

        (await run).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task StartWorkflowAsync_RunToMigrateWaitsForItsTurn_IsMigratedAtOnce()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new() { QueueCapacity = 1 } });
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            await release.Task.WaitAsync(token);
            return TaskData.Empty;
        });

        // One runs, one waits for the agent, and the others for their turn.
        var busy = rig.Engine.RunWorkflowAsync(Many(3, AgentType.Coding)).AsTask();
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 1, WaitingTasks: 1 }, "the queue to be full");
        await rig.Engine.StartWorkflowAsync(Many(1, AgentType.Coding), new() { RunId = "r" });

        var migrated = rig.Engine.StartWorkflowAsync(
            Many(2, AgentType.Coding), new() { RunId = "r", Migrate = static migration => migration.To }).AsTask();
        await Rig.UntilAsync(() => migrated.IsCompleted, "the migration");

        busy.IsCompleted.Should().BeFalse();
        release.SetResult();
        (await (await migrated).Completion).CompletedTasks.Should().Be(2);
        (await busy).Status.Should().Be(WorkflowStatus.Completed);
    }
}
