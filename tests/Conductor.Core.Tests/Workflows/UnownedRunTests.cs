using Conductor.Agents;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>A run whose owner is gone, and what whoever asks for it by its id can do.</summary>
public sealed class UnownedRunTests
{
    private static readonly WorkflowDefinition _one = new() { Name = "one", Tasks = [new TaskDefinition { Id = "t", AgentType = AgentType.Coding }] };

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task CancelAsync_NoAgentsOfItsTypesAreLeft_EndsTheRun()
    {
        await using var processes = new Processes();
        await LeaveAsync(processes, _one);
        var other = await processes.StartAsync();
        await other.Engine.StartAsync();
        await PassAsync(processes, other, seconds: 3);

        (await processes.Store.RequestCancellationAsync("run")).Should().BeTrue();

        await PassAsync(processes, other, seconds: 3);
        (await processes.Store.GetWorkflowStateAsync("run"))!.Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task Timeout_NoAgentsOfItsTypesAreLeft_EndsTheRun()
    {
        await using var processes = new Processes();
        await LeaveAsync(processes, _one with { Timeout = TimeSpan.FromMinutes(1) });
        var other = await processes.StartAsync();
        await other.Engine.StartAsync();

        await PassAsync(processes, other, seconds: 100);

        var state = (await processes.Store.GetWorkflowStateAsync("run"))!;
        (state.Status, state.Error!.Code).Should().Be((WorkflowStatus.Failed, ErrorCodes.WorkflowTimeout));
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task RunWorkflowAsync_ByItsIdOnAnEngineThatWasNotStarted_GoesOnWithIt()
    {
        await using var processes = new Processes();
        await LeaveAsync(processes, _one);
        var other = await processes.StartAsync();
        await other.AddAsync(static _ => TaskData.From("done"));

        var state = await other.DriveAsync(other.Engine.RunWorkflowAsync(_one, new WorkflowRunOptions { RunId = "run" }).AsTask());

        (state.Status, state.TaskResults["t"].Output.Get<string>()).Should().Be((WorkflowStatus.Completed, "done"));
    }

    /// <summary>A store that spreads over processes: tasks wait for those who host their type, and a run is run by one process alone.</summary>
    [Fact]
    public async Task RecoverAsync_NoAgentsOfItsTypesOnASharedStore_LeavesItToThoseWhoHaveThem()
    {
        await using var processes = new Processes();
        await LeaveAsync(processes, _one);
        var without = await processes.StartAsync(wrap: static store => new SharedStore(store));
        var with = await processes.StartAsync(wrap: static store => new SharedStore(store));
        await with.AddAsync(static _ => TaskData.From("done"));

        (await without.Engine.RecoverAsync()).Should().Be(0);

        (await with.Engine.RecoverAsync()).Should().Be(1);
        without.Logs.GetSnapshot().Should().ContainSingle(static record => record.Id.Id == 1414);
    }

    [Fact]
    public async Task RecoverAsync_OnlyWhatIsDoneNeedsAgentsThatAreNotHereOnASharedStore_GoesOnWithIt()
    {
        await using var processes = new Processes();
        var owner = await processes.StartAsync();
        await owner.AddAsync(static _ => TaskData.From("done"));
        await owner.AddAsync(StuckAsync, AgentType.Review);
        var chain = _one with { Tasks = [.. _one.Tasks, new TaskDefinition { Id = "u", AgentType = AgentType.Review, DependsOn = ["t"] }] };
        await owner.Engine.StartWorkflowAsync(chain, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => owner.Coordinator.GetAvailableAgents(AgentType.Review).Count == 0, "the second task to run");
        await owner.DriveAsync(owner.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask());
        var heir = await processes.StartAsync(wrap: static store => new SharedStore(store));
        await heir.AddAsync(static _ => TaskData.From("reviewed"), AgentType.Review);

        (await heir.Engine.RecoverAsync()).Should().Be(1);

        (await heir.DriveAsync((await heir.Engine.GetRunAsync("run"))!.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    /// <summary>A front end on a store that spreads over processes: workers have the agents.</summary>
    [Fact]
    public async Task StartWorkflowAsync_NoAgentsOfItsTypesOnASharedStore_IsRunByWhoHasThem()
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(wrap: static store => new SharedStore(store));
        var worker = await processes.StartAsync(wrap: static store => new SharedStore(store));
        await worker.AddAsync(static _ => TaskData.From("done"));
        await worker.Engine.StartAsync();

        var run = await front.Engine.StartWorkflowAsync(_one, new WorkflowRunOptions { RunId = "run" });
        (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.Waiting);
        await PassAsync(processes, worker, seconds: 2);

        var state = await front.DriveAsync(run.Completion);
        (state.Status, state.TaskResults["t"].Output.Get<string>()).Should().Be((WorkflowStatus.Completed, "done"));
        state.Redeliveries.Should().BeEmpty("nothing had begun");
        front.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1429);
    }

    [Fact]
    public async Task StartWorkflowAsync_MigratedByOneWithoutAgentsOnASharedStore_IsRunByWhoHasThem()
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(wrap: static store => new SharedStore(store));
        await front.Engine.StartWorkflowAsync(_one, new WorkflowRunOptions { RunId = "run" });
        var next = _one with { Version = "2", Tasks = [.. _one.Tasks, new TaskDefinition { Id = "u", AgentType = AgentType.Coding }] };

        var run = await front.Engine.StartWorkflowAsync(next, new WorkflowRunOptions { RunId = "run", Migrate = static migration => migration.To });

        (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.Waiting);
        var worker = await processes.StartAsync(wrap: static store => new SharedStore(store));
        await worker.AddAsync(static _ => TaskData.From("done"));
        (await worker.Engine.RecoverAsync()).Should().Be(1);
        await worker.DriveAsync((await worker.Engine.GetRunAsync("run"))!.Completion);
        (await front.DriveAsync(run.Completion)).Should().BeEquivalentTo(new { Status = WorkflowStatus.Completed, CompletedTasks = 2, DefinitionVersion = "2" });
    }

    [Fact]
    public async Task StartWorkflowAsync_LeftToOthersAndNobodyComes_EndsByTheWaitLimit()
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(
            wrap: static store => new SharedStore(store), dispatch: new() { WaitLimit = TimeSpan.FromSeconds(10) });
        var run = await front.Engine.StartWorkflowAsync(_one);
        await PassAsync(processes, front, seconds: 5);
        (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.Waiting);

        await PassAsync(processes, front, seconds: 20);

        var state = await front.DriveAsync(run.Completion);
        (state.Status, state.TaskResults["t"].Error!.Code).Should().Be((WorkflowStatus.Failed, ErrorCodes.NoAvailableAgent));
    }

    /// <summary>Whoever left it looks at it when its time is up, however short ago it saw that it lacks the agents.</summary>
    [Fact]
    public async Task StartWorkflowAsync_LeftToOthersAndItsTimeIsUp_EndsAtTheNextLook()
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(wrap: static store => new SharedStore(store));
        var run = await front.Engine.StartWorkflowAsync(_one with { Timeout = TimeSpan.FromSeconds(10) });
        await PassAsync(processes, front, seconds: 9);
        (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.Waiting);

        await PassAsync(processes, front, seconds: 3);

        var state = await run.GetStateAsync();
        (state.Status, state.Error?.Code).Should().Be((WorkflowStatus.Failed, ErrorCodes.WorkflowTimeout));
    }

    /// <summary>Its tasks have waited while it was left: no limit counts twice.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(0)]
    public async Task StartWorkflowAsync_LeftToOthersForAsLongAsItsTasksMayWait_EndsAtTheNextLook(int seconds)
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(
            wrap: static store => new SharedStore(store), dispatch: new() { WaitLimit = TimeSpan.FromSeconds(seconds) });
        var run = await front.Engine.StartWorkflowAsync(_one with { Timeout = TimeSpan.FromHours(1) });
        if (seconds > 0)
        {
            await PassAsync(processes, front, seconds - 1);
            (await run.GetStateAsync()).Status.Should().Be(WorkflowStatus.Waiting);
            await PassAsync(processes, front, seconds: 3);
        }

        await Rig.UntilAsync(() => run.Completion.IsCompleted, "its end");
        var state = await run.Completion;
        (state.Status, state.TaskResults["t"].Error!.Code).Should().Be((WorkflowStatus.Failed, ErrorCodes.NoAvailableAgent));
    }

    /// <summary>Who comes to a run that was left long ago gives those who have the agents as long to come.</summary>
    [Fact]
    public async Task RecoverAsync_LeftToOthersBefore_WaitsForThemAnew()
    {
        await using var processes = new Processes();
        var gone = await processes.StartAsync(
            wrap: static store => new SharedStore(store), dispatch: new() { WaitLimit = TimeSpan.FromSeconds(10) });
        await gone.Engine.StartWorkflowAsync(_one, new WorkflowRunOptions { RunId = "run" });
        await gone.DriveAsync(gone.Engine.StopAsync().AsTask());

        var front = await processes.StartAsync(
            wrap: static store => new SharedStore(store), dispatch: new() { WaitLimit = TimeSpan.FromSeconds(10) });
        front.Time.Advance(TimeSpan.FromHours(1));
        await front.Engine.StartAsync();
        await PassAsync(processes, front, seconds: 5);
        await front.AddAsync(static _ => TaskData.From("done"));
        await PassAsync(processes, front, seconds: 2);

        (await front.DriveAsync((await front.Engine.GetRunAsync("run"))!.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    /// <summary>Agents may come after the run.</summary>
    [Fact]
    public async Task StartWorkflowAsync_AgentsComeAfterTheRunOnASharedStore_IsRunHere()
    {
        await using var processes = new Processes();
        var only = await processes.StartAsync(wrap: static store => new SharedStore(store));
        var run = await only.Engine.StartWorkflowAsync(_one);

        await only.AddAsync(static _ => TaskData.From("done"));

        await PassAsync(processes, only, seconds: 2);
        (await only.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task CancelAsync_LeftToOthersAndNobodyHasIt_EndsTheRun()
    {
        await using var processes = new Processes();
        var front = await processes.StartAsync(wrap: static store => new SharedStore(store));
        var run = await front.Engine.StartWorkflowAsync(_one);

        (await run.CancelAsync()).Should().BeTrue();

        await PassAsync(processes, front, seconds: 3);
        (await front.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    /// <summary>A process begins the run and stops, and nobody has it.</summary>
    private static async Task LeaveAsync(Processes processes, WorkflowDefinition definition)
    {
        var owner = await processes.StartAsync();
        await owner.AddAsync(StuckAsync);
        await owner.Engine.StartWorkflowAsync(definition, new WorkflowRunOptions { RunId = "run" });
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");
        await owner.DriveAsync(owner.Engine.StopAsync(new CancellationToken(canceled: true)).AsTask());
    }

    private static async Task PassAsync(Processes processes, Rig rig, int seconds)
    {
        for (var second = 0; second < seconds; second++)
        {
            rig.Time.Advance(TimeSpan.FromSeconds(1));
            processes.StoreClock.Advance(TimeSpan.FromSeconds(1));
            await Rig.SettleAsync();
        }
    }

    private static async ValueTask<TaskData> StuckAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return TaskData.Empty;
    }

    private sealed class SharedStore(StateManager store) : DelegatingStateManager(store)
    {
        public override DurabilityLevel Durability => DurabilityLevel.ProcessCrash;

        public override bool IsShared => true;
    }
}
