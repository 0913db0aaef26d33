using Conductor.Coordination;
using Conductor.Policies;
using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Conductor.Tests.Workflows;

/// <summary>Whoever looks into the log, or at what they awaited, finds the reason.</summary>
public sealed class ReasonsTests
{
    [Fact]
    public async Task RunWorkflowAsync_ATaskIsNotRun_TheLogAndTheRunsErrorSayWhy()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty);
        var definition = new WorkflowDefinition
        {
            Name = "w",
            Tasks = [Rig.NewTask() with { Id = "fine" }, Rig.NewTask(new AgentType("ghost")) with { Phase = WorkflowPhase.Development, Id = "lost" },
                Rig.NewTask() with { Id = "after", DependsOn = ["lost"] }],
        };

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask());

        state.Error!.Message.Should().Contain("phase_gate").And.Contain("'lost' failed (NO_AVAILABLE_AGENT)").And.Contain(
            "No agent of type 'ghost' is registered").And.NotContain("after");
        rig.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1423).Which.Should()
            .Match<FakeLogRecord>(static entry => entry.Level == LogLevel.Error && entry.Message.Contains("No agent of type 'ghost' is registered"));
    }

    [Fact]
    public async Task RunWorkflowAsync_AnOptionalTaskIsNotRun_IsWarnedOf()
    {
        await using var rig = await Rig.StartAsync();
        var definition = new WorkflowDefinition { Name = "w",
            Tasks = [Rig.NewTask(new AgentType("ghost")) with { Phase = WorkflowPhase.Development, Id = "lost", Optional = true }] };

        (await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask())).Status.Should().Be(WorkflowStatus.Completed);

        rig.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1423).Which.Level.Should().Be(LogLevel.Warning);
    }

    /// <summary>The result has the message and the type of the exception; where it was thrown only the log can say.</summary>
    [Fact]
    public async Task DispatchTaskAsync_AgentThrows_TheExceptionIsInTheLog()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static _ => throw new InvalidDataException("no way"));

        await rig.DriveAsync(rig.DispatchAsync());

        rig.Logs.GetSnapshot().Should()
            .Contain(static entry => entry.Id.Id == 1300 && entry.Level == LogLevel.Warning && entry.Exception is InvalidDataException);
    }

    [Theory]
    [InlineData(true, LogLevel.Debug)]
    [InlineData(false, LogLevel.Warning)]
    public async Task DispatchTaskAsync_OutOfTime_ALateResultIsWorthAWarningWhereTheTokenWasNotHeeded(bool heedsToken, LogLevel level)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (task, token) =>
        {
            await ((Task)Task.Delay(TimeSpan.FromMinutes(1), task.TimeProvider, token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (heedsToken)
            {
                token.ThrowIfCancellationRequested();
            }

            return TaskData.Empty;
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Timeout = TimeSpan.FromSeconds(10), Retry = new() { MaxRetries = 0 } });

        (await rig.DriveAsync(dispatch)).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);

        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(static entry => entry.Id.Id == 1301), "the late result");
        rig.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1301).Which.Level.Should().Be(level);
    }

    [Fact]
    public async Task DispatchTaskAsync_DeniedUntilItsDeadline_NamesThePolicy()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
        for (var agent = 0; agent < 2; agent++)
        {
            await rig.AddAsync(static async (task, token) =>
            {
                await Task.Delay(TimeSpan.FromMinutes(1), task.TimeProvider, token);
                return TaskData.Empty;
            });
        }

        var first = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the first to run");

        var denied = await FluentActions.Awaiting(
            () => rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(3) }))).Should().ThrowAsync<AgentTimeoutException>();

        denied.Which.Message.Should().Contain("max_concurrent_tasks").And.Contain("TaskDefinition.Deadline").And.NotContain("Add agents");
        await rig.DriveAsync(first);
    }

    /// <summary>On a shared store a task of a type that nobody hosts here waits: whoever wonders finds it in the log, once.</summary>
    [Fact]
    public async Task DispatchTaskAsync_NobodyOfItsTypeOnASharedStore_IsWarnedOfOnce()
    {
        await using var rig = await Rig.StartAsync(new RigOptions
        {
            State = static environment => new SharedStore(new InMemoryStateManager(environment)),
            Dispatch = new DispatchOptions { WaitLimit = TimeSpan.FromSeconds(5) },
        });
        var dispatches = Enumerable.Range(0, 3).Select(_ => rig.DispatchAsync()).ToList();

        await FluentActions.Awaiting(() => rig.DriveAsync(Task.WhenAll(dispatches))).Should().ThrowAsync<NoAvailableAgentException>();

        rig.Logs.GetSnapshot().Should().ContainSingle(static entry => entry.Id.Id == 1353).Which.Message.Should().Contain("coding");
    }

    private sealed class SharedStore(StateManager inner) : DelegatingStateManager(inner)
    {
        public override bool IsShared => true;
    }
}
