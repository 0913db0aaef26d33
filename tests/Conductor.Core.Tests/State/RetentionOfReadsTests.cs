using Conductor.Diagnostics;
using Conductor.State;
using Conductor.Testing;

namespace Conductor.Tests.State;

/// <summary>What is older than its age is given by no read, whether anything else made the store look or not.</summary>
public sealed class RetentionOfReadsTests
{
    private readonly VirtualTimeProvider _time = new();

    [Fact]
    public async Task FinishedRun_BeyondTheAge_IsGivenByNoRead()
    {
        await using var store = await OpenAsync();
        await FinishAsync(store, "r");
        _time.Advance(TimeSpan.FromDays(30));

        (await store.GetWorkflowStateAsync("r")).Should().BeNull();
        await FinishAsync(store, "s");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetWorkflowHistoryAsync("s")).Should().BeNull();
        await FinishAsync(store, "t");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetWorkflowDefinitionAsync("t")).Should().BeNull();
        await FinishAsync(store, "u");
        _time.Advance(TimeSpan.FromDays(30));
        (await store.GetTaskResultAsync("u", "task", 0)).Should().BeNull();
    }

    [Fact]
    public async Task FinishedRun_AtItsAge_IsGiven()
    {
        await using var store = await OpenAsync();
        await FinishAsync(store, "r");
        _time.Advance(RetentionOptions.DefaultMaxAge);

        (await store.GetWorkflowStateAsync("r")).Should().NotBeNull();
    }

    [Fact]
    public async Task GetTaskResultAsync_NothingRecorded_LooksAtNoClock()
    {
        var clock = new CountingClock();
        await using var store = new InMemoryStateManager(new ConductorEnvironment(clock));
        await store.ConnectAsync();
        await store.SaveTaskResultAsync(Result("t", "known"));
        var before = clock.Looks;

        await store.GetTaskResultAsync("unknown");
        await store.GetWorkflowStateAsync("unknown");

        clock.Looks.Should().Be(before);
    }

    [Fact]
    public async Task TaskResult_SavedByHandWithARound_IsTheTasksOwn()
    {
        await using var store = await OpenAsync();

        (await store.SaveTaskResultAsync(Result("t", "first") with { Round = 2 })).Should().Be(RecordOutcome.Recorded);

        (await store.GetTaskResultAsync("t"))!.Round.Should().Be(2);
        (await store.SaveTaskResultAsync(Result("t", "second"))).Should().Be(RecordOutcome.AlreadyRecorded);
    }

    private static TaskResult Result(string id, string output) => new() { TaskId = id, Status = AgentTaskStatus.Completed, Output = output };

    private WorkflowTransition Step(string id, WorkflowStatus status) => new()
    {
        Summary = new WorkflowSummary { WorkflowId = id, DefinitionName = "d", Status = status, StartedAt = _time.GetUtcNow() },
        Definition = new WorkflowDefinition { Name = "d" },
        ExpectedVersion = 0,
    };

    private async Task FinishAsync(StateManager store, string id) => await store.CommitWorkflowAsync(
        Step(id, WorkflowStatus.Completed) with { Results = [new TaskResult { TaskId = "task", WorkflowId = id, Status = AgentTaskStatus.Completed }] });

    private async Task<StateManager> OpenAsync()
    {
        var store = new InMemoryStateManager(new ConductorEnvironment(_time));
        await store.ConnectAsync();
        return store;
    }

    private sealed class CountingClock : TimeProvider
    {
        public int Looks { get; private set; }

        public override DateTimeOffset GetUtcNow()
        {
            Looks++;
            return base.GetUtcNow();
        }

        public override long GetTimestamp()
        {
            Looks++;
            return base.GetTimestamp();
        }
    }
}
