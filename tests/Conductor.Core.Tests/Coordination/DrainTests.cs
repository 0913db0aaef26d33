using Conductor.Errors;
using Conductor.Policies;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Coordination;

/// <summary>A stop begins nothing that waits, and waits for nothing that has not begun. The clock stands still: what needs time does not come.</summary>
public sealed class DrainTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task StopAsync_OfTheEngine_TasksThatWaitForCapacity_AreNotBegun()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new MaxConcurrentTasksPolicy(1)] });
        var (begun, release) = (0, new TaskCompletionSource());
        for (var agent = 0; agent < 4; agent++)
        {
            await rig.AddAsync(async (_, _) =>
            {
                Interlocked.Increment(ref begun);
                await release.Task;
                return TaskData.Empty;
            });
        }

        var run = await StartAsync(rig, tasks: 4);
        await Rig.UntilAsync(() => begun == 1 && rig.Coordinator.WaitingTasks == 3, "one to run");
        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();

        await stop.WaitAsync(_limit);

        begun.Should().Be(1);
        await ShouldBeHandedOverAsync(run);
    }

    /// <summary>A policy of an application denies for the time being: nothing runs that could end.</summary>
    [Fact]
    public async Task StopAsync_OfTheEngine_TasksThatAPolicyHoldsUp_AreNotWaitedFor()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new Closed()] });
        await rig.AddAsync(static _ => TaskData.Empty);
        var run = await StartAsync(rig, tasks: 2);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks > 0, "them to wait");

        await rig.Engine.StopAsync().AsTask().WaitAsync(_limit);

        await ShouldBeHandedOverAsync(run);
    }

    [Fact]
    public async Task StopAsync_OfTheEngine_TasksThatWaitForTheirNextAttempt_AreNotWaitedFor()
    {
        await using var rig = await StartFailingAsync();
        var run = await StartAsync(rig, tasks: 1);
        await ShouldBackOffAsync(rig);

        await rig.Engine.StopAsync().AsTask().WaitAsync(_limit);

        await ShouldBeHandedOverAsync(run);
        (await rig.State.GetWorkflowStateAsync(run.RunId))!.TaskResults.Should().BeEmpty("its next owner begins it anew");
    }

    [Fact]
    public async Task StopAsync_OfTheCoordinator_TasksThatWaitForTheirNextAttempt_AreNotWaitedFor()
    {
        await using var rig = await StartFailingAsync();
        var dispatch = rig.DispatchAsync();
        await ShouldBackOffAsync(rig);

        await rig.Coordinator.StopAsync().AsTask().WaitAsync(_limit);

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<NoAvailableAgentException>().WithMessage("*stopping*");
    }

    [Fact]
    public async Task StopAsync_NoTimeForATaskThatRuns_WhoeverDispatchedItIsToldWhy()
    {
        await using var rig = await Rig.StartAsync();
        var running = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            running.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return "never";
        });
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Id = "task" });
        await running.Task;

        await rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask().WaitAsync(_limit);

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<OperationCanceledException>().WithMessage("Task 'task'*Conductor stops*");
    }

    /// <summary>A policy answers when the stop no longer waits: its agent is about to be stopped, and its result would reach nobody.</summary>
    [Fact]
    public async Task StopAsync_OfTheCoordinator_WhileAPolicyIsAsked_BeginsNothing()
    {
        var (asked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new Closed { Asked = asked, Answer = answer.Task }] });
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs));
        var dispatch = rig.DispatchAsync();
        await asked.Task;

        await rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask().WaitAsync(_limit);
        answer.SetResult();

        await FluentActions.Awaiting(() => dispatch.WaitAsync(_limit)).Should().ThrowAsync<NoAvailableAgentException>();
        runs.Should().Be(0);
    }

    /// <summary>The wrong order of stops: what was not run is not over, and the run not completed.</summary>
    [Fact]
    public async Task StopAsync_OfTheCoordinatorBeforeTheEngine_RunsAreHandedOver()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        });
        var run = await StartAsync(rig, tasks: 3);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "one to run");

        var stop = rig.Coordinator.StopAsync().AsTask();
        release.SetResult();
        await stop.WaitAsync(_limit);

        await ShouldBeHandedOverAsync(run);
        var state = (await rig.State.GetWorkflowStateAsync(run.RunId))!;
        (state.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 1));
        (await rig.Engine.RecoverAsync()).Should().Be(0, "nothing can be run here");
    }

    [Fact]
    public async Task StopAsync_OfTheCoordinatorBeforeTheEngineWithoutTime_RunsAreHandedOver()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(static async (_, token) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return TaskData.Empty;
        });
        var run = await StartAsync(rig, tasks: 1);
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "it to run");

        await rig.Coordinator.StopAsync(new CancellationToken(canceled: true)).AsTask().WaitAsync(_limit);

        await ShouldBeHandedOverAsync(run);
        var state = (await rig.State.GetWorkflowStateAsync(run.RunId))!;
        (state.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 0), "the task is not over");
    }

    private static async Task<Rig> StartFailingAsync()
    {
        var rig = await Rig.StartAsync(new RigOptions { Retry = RetryPolicy.Default with { InitialDelay = TimeSpan.FromSeconds(30) } });
        await rig.AddAsync(static _ => throw new AgentException(ErrorCodes.TransientError, "busy"));
        return rig;
    }

    private static Task ShouldBackOffAsync(Rig rig) =>
        Rig.UntilAsync(
            () => rig.Logs.GetSnapshot().Any(static record => record.Id.Id == 1600) && rig.Coordinator.RunningTasks == 0, "the first attempt to fail");

    private static async Task<WorkflowRun> StartAsync(Rig rig, int tasks) => await rig.Engine.StartWorkflowAsync(
        new WorkflowDefinition { Name = "waits", Tasks = [.. Enumerable.Range(0, tasks).Select(static number => Rig.NewTask() with { Id = $"{number}" })] });

    private static async Task ShouldBeHandedOverAsync(WorkflowRun run) =>
        (await FluentActions.Awaiting(() => run.Completion.WaitAsync(_limit)).Should().ThrowAsync<StateException>()).Which.Message.Should()
            .Contain("handed over");

    /// <summary>Denies everything for the time being, as soon as it answers.</summary>
    private sealed class Closed : Policy<DispatchPolicyContext>
    {
        public TaskCompletionSource? Asked { get; init; }

        public Task? Answer { get; init; }

        public override string Name => "closed";

        public override string Description => "Comes back later.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            Asked?.TrySetResult();
            if (Answer is null)
            {
                return Denied("closed", isTransient: true);
            }

            await Answer;
            return Allowed;
        }
    }
}
