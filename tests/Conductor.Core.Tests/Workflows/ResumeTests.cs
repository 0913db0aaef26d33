using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

public sealed class ResumeTests
{
    [Fact]
    public async Task RecoverAsync_OwnerDied_GoesOnWithoutRunningFinishedTasksAgain()
    {
        await using var processes = new Processes();
        await LeaveOnSecondAsync(processes);

        var heir = await processes.StartAsync();
        var seen = new ConcurrentQueue<(string Task, int Delivery, string Key)>();
        await heir.AddAsync(
            task =>
            {
                seen.Enqueue((task.Task.Id, task.Delivery, task.IdempotencyKey));
                return $"{task.Task.Id} done";
            },
            id: "heir");
        (await heir.Engine.RecoverAsync()).Should().Be(0, "the owner's lease has not run out");
        processes.LetLeasesRunOut();
        (await heir.Engine.RecoverAsync()).Should().Be(1);

        var state = await CompleteAsync(heir);
        state.Status.Should().Be(WorkflowStatus.Completed);
        seen.Should().Equal(("second", 2, "run:second:0"), ("third", 1, "run:third:0"));
        state.TaskResults["first"].AgentId.Should().Be("dead", "a finished task keeps its result");
        state.Redeliveries.Should().ContainSingle().Which.Should().Be(new TaskRedelivery { TaskId = "second", Crashes = 1 });
        state.ParticipatingAgents.Should().Equal("dead", "heir");
        state.PhaseHistory.Should().ContainSingle().Which.CompletedTasks.Should().Be(3);
        var history = await processes.Store.GetWorkflowHistoryAsync("run");
        history!.Events.Select(static happening => happening.Kind).Should()
            .ContainInOrder(WorkflowEventKind.TaskStarted, WorkflowEventKind.Resumed, WorkflowEventKind.WorkflowFinished);
        history.Events.Select(static happening => happening.Position).Should().Equal(Enumerable.Range(1, history.Events.Count).Select(static i => (long)i));
    }

    [Fact]
    public async Task RecoverAsync_OwnerOnlyPaused_CanSaveNothingMoreStopsItsAgentsAndSaysSo()
    {
        await using var processes = new Processes();
        var zombie = await processes.StartAsync();
        var release = new TaskCompletionSource();
        var stopped = false;
        for (var agent = 0; agent < 2; agent++)
        {
            await zombie.AddAsync(async (task, token) =>
            {
                if (task.Task.Id == "a")
                {
                    await release.Task;
                    return "of the zombie";
                }

                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, token);
                    return "never";
                }
                finally
                {
                    stopped = token.IsCancellationRequested;
                }
            });
        }

        WorkflowDefinition pair = new()
        {
            Name = "pair",
            Phases = [WorkflowPhase.Development],
            Tasks = [new TaskDefinition { Id = "a", AgentType = AgentType.Coding }, new TaskDefinition { Id = "b", AgentType = AgentType.Coding }],
        };
        var run = await zombie.Engine.StartWorkflowAsync(pair, Run);
        await Rig.UntilAsync(() => zombie.Coordinator.RunningTasks == 2, "both tasks to run");

        processes.LetLeasesRunOut();
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "of the heir");
        await heir.Engine.RecoverAsync();
        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Completed);

        release.SetResult();
        var act = () => zombie.DriveAsync(run.Completion);
        (await act.Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
        await Rig.UntilAsync(() => Volatile.Read(ref stopped), "its agents to be stopped: what they still do is of no use");
        zombie.Logs.GetSnapshot().Should().Contain(static record => record.Id.Id == 1405);
        var state = await processes.Store.GetWorkflowStateAsync("run");
        state!.TaskResults.Values.Select(static result => result.Output.Get<string>()).Should().AllBe("of the heir");
    }

    [Fact]
    public async Task CommitAsync_PausedButNobodyTookOver_GoesOn()
    {
        await using var processes = new Processes();
        var paused = await processes.StartAsync();
        var release = new TaskCompletionSource();
        await paused.AddAsync(async (_, _) =>
        {
            await release.Task;
            return "done";
        });
        var run = await paused.Engine.StartWorkflowAsync(Chain(), Run);
        await Rig.UntilAsync(() => paused.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        paused.Time.Advance(TimeSpan.FromSeconds(25));
        release.SetResult();
        (await paused.DriveAsync(run.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task RecoverAsync_HandedOver_GoesOnAtOnceAndCountsNoCrash()
    {
        await using var processes = new Processes();
        var leaving = await processes.StartAsync();
        await leaving.AddAsync(StuckOn("second"));
        await leaving.Engine.StartWorkflowAsync(Chain(), Run);
        await FinishedAsync(processes, "first");
        await leaving.Engine.StopAsync(new CancellationToken(canceled: true));

        var heir = await processes.StartAsync();
        var deliveries = new ConcurrentQueue<int>();
        await heir.AddAsync(task =>
        {
            deliveries.Enqueue(task.Delivery);
            return "done";
        });
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        (await CompleteAsync(heir)).Redeliveries.Should().BeEmpty();
        deliveries.Should().Equal(1, 1);
    }

    [Fact]
    public async Task RecoverAsync_StoresClockJumpedBack_TakesOverWhatIsSilentForTwoTerms()
    {
        await using var processes = new Processes();
        var dead = await processes.StartAsync();
        processes.StoreClock.SetUtcNow(processes.StoreClock.GetUtcNow().AddDays(1));
        await dead.AddAsync(StuckOn("first"));
        await dead.Engine.StartWorkflowAsync(Chain(), Run);
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");

        // The lease was taken when the store's clock was a day ahead: by that clock it holds for a day yet.
        processes.StoreClock.AdjustTime(processes.StoreClock.GetUtcNow().AddDays(-1));
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done");
        (await heir.Engine.RecoverAsync()).Should().Be(0);
        heir.Time.Advance(WorkflowOptions.DefaultLeaseDuration);
        (await heir.Engine.RecoverAsync()).Should().Be(0);
        heir.Time.Advance(WorkflowOptions.DefaultLeaseDuration);
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task RecoverAsync_InAFeedbackRound_KeepsTheFindingsAndTheRoundsResults()
    {
        await using var processes = new Processes();
        WorkflowDefinition loop = new()
        {
            Name = "loop",
            Phases = [WorkflowPhase.Development, WorkflowPhase.Monitoring],
            Tasks =
            [
                new TaskDefinition { Id = "code", AgentType = AgentType.Coding },
                new TaskDefinition { Id = "more", AgentType = AgentType.Coding, DependsOn = ["code"] },
                new TaskDefinition { Id = "watch", AgentType = AgentType.Monitor },
            ],
        };
        var dead = await processes.StartAsync();
        await dead.AddAsync(async (task, _) =>
        {
            if (task is { Round: 1, Task.Id: "more" })
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
            }

            return "by the dead";
        });
        await dead.AddAsync(
            static task =>
            {
                task.SendBack(FeedbackSeverity.Error, "found");
                return "sent back";
            },
            AgentType.Monitor);
        await dead.Engine.StartWorkflowAsync(loop, Run);
        await UntilAsync(processes, static state => state.Round == 1 && state.TaskResults.ContainsKey("code"));

        processes.LetLeasesRunOut();
        var heir = await processes.StartAsync();
        var seen = new ConcurrentQueue<string>();
        await heir.AddAsync(task => Note(task, seen));
        await heir.AddAsync(task => Note(task, seen), AgentType.Monitor);
        await heir.Engine.RecoverAsync();

        var state = await CompleteAsync(heir);
        state.Status.Should().Be(WorkflowStatus.Completed);
        seen.Should().Equal("more 1 found", "watch 1 found");
        state.PhaseHistory.Select(static phase => (phase.Phase, phase.Round, phase.Outcome)).Should().Equal(
            (WorkflowPhase.Development, 0, PhaseOutcome.Passed),
            (WorkflowPhase.Monitoring, 0, PhaseOutcome.SentBack),
            (WorkflowPhase.Development, 1, PhaseOutcome.Passed),
            (WorkflowPhase.Monitoring, 1, PhaseOutcome.Passed));

        static TaskData Note(TaskContext task, ConcurrentQueue<string> seen)
        {
            seen.Enqueue($"{task.Task.Id} {task.Round} {task.Feedback.Single().Findings.Single()}");
            return "by the heir";
        }
    }

    [Fact]
    public async Task RecoverAsync_NoAgentOfAType_LeavesItToOthersAndSaysSoOnce()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 1);
        var other = await processes.StartAsync();
        await other.AddAsync(static _ => "done", AgentType.Review);
        (await other.Engine.RecoverAsync()).Should().Be(0);
        (await other.Engine.RecoverAsync()).Should().Be(0);
        other.Logs.GetSnapshot().Where(static record => record.Id.Id == 1414).Should().ContainSingle().Which.Message.Should().Contain("coding");
    }

    [Fact]
    public async Task RecoverAsync_AgentOfTheTypeHasCome_TakesItUpAtOnce()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 1);
        var heir = await processes.StartAsync();
        (await heir.Engine.RecoverAsync()).Should().Be(0);
        await heir.AddAsync(static _ => "done");

        (await heir.Engine.RecoverAsync()).Should().Be(1);
    }

    [Fact]
    public async Task RecoverAsync_CancelledWhileNobodyOwnedIt_EndsItCancelled()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 1);
        await processes.Store.RequestCancellationAsync("run");
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => throw new InvalidOperationException("must not run"));
        await heir.Engine.RecoverAsync();
        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task RecoverAsync_OutOfTimeMeanwhile_EndsIt()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain() with { Timeout = TimeSpan.FromMinutes(5) }, times: 1);
        var heir = await processes.StartAsync();
        heir.Time.Advance(TimeSpan.FromMinutes(6));
        await heir.AddAsync(StuckOn("second"));
        await heir.Engine.RecoverAsync();
        (await CompleteAsync(heir)).Error!.Code.Should().Be(ErrorCodes.WorkflowTimeout);
    }

    [Fact]
    public async Task StartAsync_LooksAtOnceAndRegularlyAfter()
    {
        await using var processes = new Processes();
        await KillAsync(processes, Chain(), times: 1, letLeasesRunOut: false);
        var heir = await processes.StartAsync();
        await heir.AddAsync(static _ => "done");
        await heir.Engine.StartAsync();
        heir.Engine.RunningWorkflows.Should().BeEmpty();
        processes.LetLeasesRunOut();
        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Completed);
    }
}
