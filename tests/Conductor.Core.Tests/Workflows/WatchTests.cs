using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class WatchTests
{
    private static WorkflowDefinition Two() => WorkflowDefinition.Create("two")
        .Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding))
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps).After("code"))
        .Build();

    private static async Task<List<WorkflowEvent>> CollectAsync(WorkflowRun run, long after = 0)
    {
        var events = new List<WorkflowEvent>();
        await foreach (var happening in run.WatchAsync(after))
        {
            events.Add(happening);
        }

        return events;
    }

    [Fact]
    public async Task WatchAsync_WholeRun_TellsEverythingInOrderAndEnds()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());

        var events = await CollectAsync(run);

        events.Select(happening => happening.Kind).Should().Equal(
            WorkflowEventKind.WorkflowStarted,
            WorkflowEventKind.PhaseStarted, WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskFinished, WorkflowEventKind.PhaseFinished,
            WorkflowEventKind.PhaseStarted, WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskFinished, WorkflowEventKind.PhaseFinished,
            WorkflowEventKind.WorkflowFinished);
        events.Select(happening => happening.Position).Should().Equal(Enumerable.Range(1, 10).Select(i => (long)i));
        events[3].ToString().Should().Contain("TaskFinished").And.Contain("code").And.Contain("coding").And.Contain("Completed");
    }

    [Fact]
    public async Task WatchAsync_NegativePosition_IsRefusedWhereItIsAskedFor()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());

        FluentActions.Invoking(() => run.WatchAsync(-1)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("afterPosition");
    }

    /// <summary>Whichever way it is given: to the method, or to the loop.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WatchAsync_TokenIsCancelled_StopsWatching(bool isGivenToTheLoop)
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(StoreTrouble.Stuck);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        using var cancellation = new CancellationTokenSource();
        var watch = async () =>
        {
            var events = isGivenToTheLoop ? run.WatchAsync().WithCancellation(cancellation.Token) : run.WatchAsync(0, cancellation.Token).ConfigureAwait(true);
            await foreach (var _ in events)
            {
                await cancellation.CancelAsync();
            }
        };

        await FluentActions.Awaiting(() => watch().WaitAsync(TimeSpan.FromSeconds(20))).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task WatchAsync_SeveralReadersFromAnyPosition_EachSeesItsPart()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());

        var readers = await Task.WhenAll(CollectAsync(run), CollectAsync(run, 4), CollectAsync(run, 10), CollectAsync(run));

        readers.Select(events => events.Count).Should().Equal(10, 6, 0, 10);
        readers[1][0].Position.Should().Be(5);
    }

    [Fact]
    public async Task WatchAsync_WhileItRuns_SeesEachStepAsItIsCommitted()
    {
        await using var rig = await Rig.StartAsync();
        var (watched, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (task, _) =>
        {
            // Progress goes to those who watch already.
            await watched.Task;
            task.ReportProgress(150, "half way");
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        var seen = new List<WorkflowEvent>();
        await foreach (var happening in run.WatchAsync())
        {
            seen.Add(happening);
            if (happening.Kind == WorkflowEventKind.TaskStarted && happening.TaskId == "code")
            {
                watched.SetResult();
            }

            if (happening.Kind == WorkflowEventKind.Progress)
            {
                release.SetResult();
            }
        }

        seen.Last().Kind.Should().Be(WorkflowEventKind.WorkflowFinished);
        seen.Where(happening => happening.Kind == WorkflowEventKind.Progress).Should()
            .OnlyContain(progress => progress.Position == 0 && progress.Percent == 100);
    }

    [Fact]
    public async Task WatchAsync_PositionNoLongerKept_GetsASnapshotFirst()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxEventsPerWorkflow = 3 } });
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        await run.Completion;

        var events = await CollectAsync(run, 2);

        events.Select(happening => (happening.Kind, happening.Position)).Should().Equal(
            (WorkflowEventKind.Snapshot, 7), (WorkflowEventKind.TaskFinished, 8), (WorkflowEventKind.PhaseFinished, 9), (
                WorkflowEventKind.WorkflowFinished, 10));
        (events[0].WorkflowStatus, events[0].Message).Should().Be((WorkflowStatus.Completed, "2 of 2 task(s) finished; events up to 7 are no longer kept."));
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task WatchAsync_FromAnotherEngine_FollowsToTheEnd()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Two(), new() { RunId = "r" });
        await using var other = new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, environment: rig.Environment);
        await using var handle = (await other.GetRunAsync("r"))!;
        var watching = CollectAsync(handle);
        var completion = handle.Completion;
        release.SetResult();

        (await rig.DriveAsync(watching)).Should().HaveCount(10);
        (await rig.DriveAsync(completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task WatchAsync_Cancelled_StopsWatchingNotTheRun()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var release = new TaskCompletionSource();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        var watching = Task.Run(async () =>
        {
            await foreach (var _ in run.WatchAsync(cancellationToken: cancellation.Token))
            {
                await cancellation.CancelAsync();
            }
        });

        await FluentActions.Awaiting(() => watching).Should().ThrowAsync<OperationCanceledException>();
        release.SetResult();
        (await run.Completion).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task Progress_EachStep_IsReportedAndItsFailureHarmsNobody()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        var reports = new Collector();

        var state = await rig.Engine.RunWorkflowAsync(Two(), new() { Progress = reports });

        state.Status.Should().Be(WorkflowStatus.Completed);
        reports.Seen.Select(report => report.FinishedTasks).Should().BeInAscendingOrder().And.EndWith(2);
        reports.Seen[^1].Percent.Should().Be(100);
        (reports.Seen[^1].Status, reports.Seen[^1].TotalTasks, reports.Seen[^1].TasksInFlight).Should().Be((WorkflowStatus.Completed, 2, 0));
        rig.Logs.GetSnapshot().Should().Contain(entry => entry.Id.Id == 1408);
    }

    [Fact]
    public async Task GetStateAsync_RunNoLongerKept_SaysWhy()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxFinishedWorkflows = 1 } });
        await using var run = await rig.Engine.StartWorkflowAsync(new WorkflowDefinition { Name = "a" });
        await run.Completion;
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "b" });

        (await FluentActions.Awaiting(() => run.GetStateAsync().AsTask()).Should().ThrowAsync<StateException>()).Which.Message.Should()
            .Contain("RetentionOptions");
        (await CollectAsync(run)).Should().BeEmpty();
    }

    [Fact]
    public async Task WatchAsync_PositionAfterAllThatCanBe_SeesNothing()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        await run.Completion;

        (await CollectAsync(run, long.MaxValue)).Should().BeEmpty();
    }

    /// <summary>Whoever watches is slower than those who report.</summary>
    [Fact]
    public async Task WatchAsync_MoreProgressThanIsTaken_DoesNotHoldBackWhatIsCommitted()
    {
        await using var rig = await Rig.StartAsync();
        var release = new TaskCompletionSource();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.Coordinator.UnregisterAgentAsync("devops");
        await rig.AddAsync(async (_, _) =>
        {
            await release.Task;
            return TaskData.Empty;
        });
        await rig.AddAsync(
            async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return TaskData.Empty;
            },
            AgentType.DevOps);
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        var status = new AgentMessage { Type = MessageType.StatusUpdate, Sender = "agent", Payload = new StatusUpdate { AgentId = "agent", TaskId = "code" } };
        var reports = 0;

        await foreach (var happening in run.WatchAsync())
        {
            if (happening.Kind == WorkflowEventKind.TaskFinished)
            {
                break;
            }

            // For each report that is taken two come, and the task is over soon.
            reports += happening.Kind == WorkflowEventKind.Progress ? 1 : 0;
            reports.Should().BeLessThan(200, "the task's end is committed");
            await rig.Bus.PublishAsync(Channels.Workflow(run.RunId), status);
            await rig.Bus.PublishAsync(Channels.Workflow(run.RunId), status);
            await Rig.SettleAsync();
            if (reports == 5)
            {
                release.TrySetResult();
            }
        }
    }

    /// <summary>The store goes after the engine, and cannot tell any more what became of the run.</summary>
    [Fact]
    public async Task WatchAsync_EverythingStops_SaysThatTheRunWasHandedOver()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, _) =>
        {
            begun.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Two());
        await begun.Task;
        var watching = CollectAsync(run);
        var stop = rig.Engine.StopAsync().AsTask();
        release.SetResult();
        await stop;
        await rig.Coordinator.StopAsync();
        await rig.Bus.DisconnectAsync();
        await rig.State.DisconnectAsync();

        var failure = (await FluentActions.Awaiting(() => rig.DriveAsync(watching)).Should().ThrowAsync<StateException>()).Which;
        failure.Should().BeSameAs(run.Completion.Exception!.InnerException);
        (failure.ErrorCode, failure.Message.Contains("handed over", StringComparison.Ordinal)).Should().Be((ErrorCodes.LeaseLost, true));
        foreach (var ask in new Func<Task>[] { () => run.GetStateAsync().AsTask(), () => run.CancelAsync().AsTask() })
        {
            (await FluentActions.Awaiting(ask).Should().ThrowAsync<StateException>()).Which.Message.Should()
                .Contain("was disconnected").And.NotContain("first");
        }

        (
            await FluentActions.Awaiting(
            () => rig.Bus.PublishAsync("c", new AgentMessage { Type = MessageType.Control, Sender = "me" }).AsTask()).Should().ThrowAsync<BusException>())
            .Which.Message.Should().Contain("was disconnected").And.NotContain("first");
        await rig.State.DisposeAsync();
        (await FluentActions.Awaiting(() => run.GetStateAsync().AsTask()).Should().ThrowAsync<StateException>()).Which.Message.Should().Contain("was disposed");
    }

    private sealed class Collector : IProgress<WorkflowProgress>
    {
        public List<WorkflowProgress> Seen { get; } = [];

        public void Report(WorkflowProgress value)
        {
            Seen.Add(value);
            throw new InvalidOperationException("a bad callback");
        }
    }
}
