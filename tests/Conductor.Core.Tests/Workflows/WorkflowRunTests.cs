using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class WorkflowRunTests
{
    private static WorkflowDefinition ThreePhases() => WorkflowDefinition.Create("release")
        .Phase(WorkflowPhase.Development, phase =>
        {
            var code = phase.Task("code", AgentType.Coding, "spec");
            phase.Task("review", AgentType.Review).After(code);
            phase.Task("test", AgentType.Test).After(code);
        })
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps).After("code"))
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor))
        .Build();

    [Fact]
    public async Task RunWorkflowAsync_AllGoesWell_CompletesPhaseByPhase()
    {
        await using var rig = await Rig.StartAsync();
        var order = new ConcurrentQueue<string>();
        await rig.AddAllTypesAsync(task =>
        {
            order.Enqueue(task.Task.Id);
            return TaskData.From($"out of {task.Task.Id}");
        });

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases());

        state.Status.Should().Be(WorkflowStatus.Completed);
        (state.IsComplete, state.IsRunning, state.Round, state.Error).Should().Be((true, false, 0, null));
        (state.CompletedTasks, state.FailedTasks, state.SkippedTasks, state.TaskCount).Should().Be((5, 0, 0, 5));
        state.PhaseHistory.Select(record => (record.Phase.Name, record.Outcome, record.CompletedTasks)).Should().Equal(
            ("development", PhaseOutcome.Passed, 3), ("devops", PhaseOutcome.Passed, 1), ("monitoring", PhaseOutcome.Passed, 1));
        state.TaskResults["pack"].Output.Get<string>().Should().Be("out of pack");
        state.ParticipatingAgents.Should().BeEquivalentTo("coding", "review", "test", "devops", "monitor");
        state.ErrorLog.Should().BeEmpty();
        order.First().Should().Be("code");
        order.Skip(3).Should().Equal("pack", "watch");
        (await rig.State.GetWorkflowStateAsync(state.WorkflowId)).Should().BeEquivalentTo(state);
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_Dependencies_SeeTheOutputsOfThisAndEarlierPhases()
    {
        await using var rig = await Rig.StartAsync();
        var seen = new ConcurrentDictionary<string, string[]>();
        await rig.AddAllTypesAsync(task =>
        {
            seen[task.Task.Id] = [.. task.Outputs.Select(output => $"{output.Key}={output.Value.Get<string>()}")];
            return TaskData.From(task.Task.Id == "review" ? task.Output<string>("code") + "!" : task.Task.Id);
        });

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases());

        seen["code"].Should().BeEmpty();
        seen["review"].Should().Equal("code=code");
        seen["pack"].Should().Equal("code=code");
        state.TaskResults["review"].Output.Get<string>().Should().Be("code!");
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_TasksOfAPhase_RunConcurrently()
    {
        await using var rig = await Rig.StartAsync();
        var both = new CountdownEvent(2);
        var arrived = new TaskCompletionSource();
        for (var i = 0; i < 2; i++)
        {
            await rig.AddAsync(async (_, _) =>
            {
                if (both.Signal())
                {
                    arrived.SetResult();
                }

                await arrived.Task;
                return TaskData.Empty;
            });
        }

        var definition = WorkflowDefinition.Create("both").Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        }).Build();

        (await rig.Engine.RunWorkflowAsync(definition)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_Priorities_DecideWhoGetsTheOnlyAgent()
    {
        await using var rig = await Rig.StartAsync();
        var order = new ConcurrentQueue<string>();
        await rig.AddAsync(task =>
        {
            order.Enqueue(task.Task.Id);
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("p").Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("low", AgentType.Coding).Priority(TaskPriority.Low);
            phase.Task("medium", AgentType.Coding);
            phase.Task("critical", AgentType.Coding).Priority(TaskPriority.Critical);
        }).Build();

        await rig.Engine.RunWorkflowAsync(definition);

        order.Should().Equal("critical", "medium", "low");
    }

    [Fact]
    [Trait("Behaviour", "9")]
    public async Task RunWorkflowAsync_DependencyFails_BlocksWhatFollowsAndCountsItAsFailed()
    {
        await using var rig = await Rig.StartAsync();
        var ran = new ConcurrentQueue<string>();
        await rig.AddAllTypesAsync(task =>
        {
            ran.Enqueue(task.Task.Id);
            return task.Task.Id == "code" ? throw new InvalidOperationException("bug") : TaskData.Empty;
        });

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases());

        ran.Should().Equal("code");
        state.TaskResults["review"].Status.Should().Be(AgentTaskStatus.Blocked);
        state.TaskResults["review"].Error!.Message.Should().Contain("'code'");
        (state.FailedTasks, state.PhaseHistory[0].FailedTasks).Should().Be((3, 3));
        state.ErrorLog.Select(entry => entry.Error.Code).Should().Contain("UNKNOWN_ERROR").And.Contain("DEPENDENCY_FAILED").And.Contain("PHASE_GATE_FAILED");
    }

    [Fact]
    [Trait("Behaviour", "10")]
    public async Task RunWorkflowAsync_GateFails_EndsFailedAndNoLaterPhaseRuns()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task => task.Task.Id == "test" ? throw new InvalidOperationException("red") : TaskData.Empty);

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases());

        (state.Status, state.Error!.Code).Should().Be((WorkflowStatus.Failed, "PHASE_GATE_FAILED"));
        state.Error.Message.Should().Contain("development").And.Contain("phase_gate");
        state.PhaseHistory.Should().ContainSingle().Which.Outcome.Should().Be(PhaseOutcome.Failed);
        state.TaskResults.Should().NotContainKey("pack");
        FluentActions.Invoking(() => state.EnsureCompleted()).Should().Throw<WorkflowFailedException>().Which.ErrorCode.Should().Be("PHASE_GATE_FAILED");
    }

    [Fact]
    [Trait("Behaviour", "10")]
    public async Task RunWorkflowAsync_GateLowered_PassesWithAFailure()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new Conductor.Policies.PhaseGatePolicy(0.6)] });
        await rig.AddAllTypesAsync(task => task.Task.Id == "test" ? throw new InvalidOperationException("red") : TaskData.Empty);

        (await rig.Engine.RunWorkflowAsync(ThreePhases())).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    [Trait("Behaviour", "12")]
    public async Task RunWorkflowAsync_SiblingFails_FinishedTasksAreNotRunAgain()
    {
        await using var rig = await Rig.StartAsync();
        var runs = new ConcurrentDictionary<string, int>();
        await rig.AddAllTypesAsync(task =>
        {
            runs.AddOrUpdate(task.Task.Id, 1, (_, count) => count + 1);
            return task.Task.Id == "test" && task.Attempt < 3 ? throw new AgentException(ErrorCodes.TransientError, "flaky") : TaskData.Empty;
        });

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(ThreePhases()).AsTask());

        state.Status.Should().Be(WorkflowStatus.Completed);
        runs["test"].Should().Be(3);
        runs.Where(entry => entry.Key != "test").Should().OnlyContain(entry => entry.Value == 1);
    }

    [Fact]
    public async Task RunWorkflowAsync_OptionalTaskFails_GoesOnWithoutItsOutput()
    {
        await using var rig = await Rig.StartAsync();
        bool? hasOutput = null;
        await rig.AddAllTypesAsync(task =>
        {
            if (task.Task.Id == "lint")
            {
                throw new InvalidOperationException("style");
            }

            hasOutput = task.HasOutput("lint");
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("o").Phase(WorkflowPhase.Development, phase =>
        {
            var lint = phase.Task("lint", AgentType.Review).Optional();
            phase.Task("code", AgentType.Coding).After(lint);
        }).Build();

        var state = await rig.Engine.RunWorkflowAsync(definition);

        (state.Status, state.SkippedTasks, hasOutput).Should().Be((WorkflowStatus.Completed, 1, false));
        state.PhaseHistory.Single().SkippedTasks.Should().Be(1);
        state.ErrorLog.Single().Severity.Should().Be(FeedbackSeverity.Warning);
    }

    [Fact]
    public async Task RunWorkflowAsync_NoAgentOfTheType_IsAFailedResultNotAnException()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(_ => TaskData.Empty);

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases());

        state.TaskResults["review"].Error!.Code.Should().Be("NO_AVAILABLE_AGENT");
        state.Error!.Code.Should().Be("PHASE_GATE_FAILED");
    }

    [Fact]
    public async Task RunWorkflowAsync_PhaseWithoutTasks_Passes()
    {
        await using var rig = await Rig.StartAsync();

        var state = await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" });

        state.Status.Should().Be(WorkflowStatus.Completed);
        state.PhaseHistory.Select(record => record.Phase.Name).Should().Equal("development", "devops", "monitoring");
    }

    [Fact]
    [Trait("Behaviour", "1")]
    public async Task RunWorkflowAsync_TwoRunsOfOneDefinition_NeverMeet()
    {
        await using var rig = await Rig.StartAsync();
        var keys = new ConcurrentBag<string>();
        await rig.AddAllTypesAsync(task =>
        {
            keys.Add(task.IdempotencyKey);
            return TaskData.From(task.WorkflowId!);
        });

        var first = await rig.Engine.RunWorkflowAsync(ThreePhases(), new() { RunId = "r1" });
        var second = await rig.Engine.RunWorkflowAsync(ThreePhases(), new() { RunId = "r2" });

        keys.Should().OnlyHaveUniqueItems().And.Contain("r1:code:0").And.Contain("r2:code:0");
        first.TaskResults["code"].Output.Get<string>().Should().Be("r1");
        second.TaskResults["code"].Output.Get<string>().Should().Be("r2");
        (await rig.State.GetTaskResultAsync("r2", "code", 0))!.Output.Get<string>().Should().Be("r2");
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task StartWorkflowAsync_IdThatExists_GivesTheRunThatExists()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAllTypesAsync(_ => TaskData.From(Interlocked.Increment(ref runs)));
        var definition = ThreePhases();
        await rig.Engine.RunWorkflowAsync(definition, new() { RunId = "r" });

        await using var again = await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });

        (await again.Completion).Status.Should().Be(WorkflowStatus.Completed);
        runs.Should().Be(5);
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task StartWorkflowAsync_SameIdAtOnce_StartsOne()
    {
        await using var rig = await Rig.StartAsync();
        var runs = 0;
        await rig.AddAllTypesAsync(_ => TaskData.From(Interlocked.Increment(ref runs)));

        var handles = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    return await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });
                }
                catch (StateException exception) when (exception.IsTransient == true)
                {
                    await Task.Yield();
                }
            }
        })));
        await rig.DriveAsync(Task.WhenAll(handles.Select(handle => handle.Completion)));

        runs.Should().Be(5);
    }

    [Fact]
    public async Task StartWorkflowAsync_IdOfAnotherDefinition_IsRefused()
    {
        await using var rig = await Rig.StartAsync();
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "r" });

        (await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(new WorkflowDefinition { Name = "other" }, new() { RunId = "r" }).AsTask())
            .Should().ThrowAsync<WorkflowValidationException>()).Which.Message.Should().ContainAll("'empty'", "'other'");
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task ListRunsAsync_ByStatusNameAndAge_FindsThem()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task => task.WorkflowId == "bad" ? throw new InvalidOperationException() : TaskData.Empty);
        await rig.Engine.RunWorkflowAsync(ThreePhases(), new() { RunId = "old" });
        rig.Time.Advance(TimeSpan.FromHours(1));
        var between = rig.Time.GetUtcNow();
        await rig.Engine.RunWorkflowAsync(ThreePhases(), new() { RunId = "bad" });
        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "new" });

        (await Ids(new WorkflowQuery())).Should().BeEquivalentTo("old", "bad", "new");
        (await Ids(new WorkflowQuery { Status = WorkflowStatus.Failed })).Should().Equal("bad");
        (await Ids(new WorkflowQuery { DefinitionName = "empty" })).Should().Equal("new");
        (await Ids(new WorkflowQuery { StartedBefore = between })).Should().Equal("old");
        (await Ids(new WorkflowQuery { StartedSince = between })).Should().BeEquivalentTo("bad", "new");

        async Task<IEnumerable<string>> Ids(WorkflowQuery query) => (await rig.Engine.ListRunsAsync(query)).Items.Select(run => run.WorkflowId);
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task CancelAsync_RunningRun_EndsCancelledWithItsTasks()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                cancelled.SetResult();
            }

            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(ThreePhases());
        await started.Task;

        (await run.CancelAsync()).Should().BeTrue();
        var state = await run.Completion;

        (state.Status, state.Error!.Code, state.TaskResults["code"].Status).Should().Be((WorkflowStatus.Cancelled, "CANCELLED", AgentTaskStatus.Cancelled));
        state.TaskResults["code"].Attempts.Should().Be(1);
        state.PhaseHistory.Single().Outcome.Should().Be(PhaseOutcome.Cancelled);
        await cancelled.Task;
        (await run.CancelAsync()).Should().BeFalse("it has ended");
    }

    [Fact]
    [Trait("Behaviour", "16")]
    public async Task CancelAsync_FromAnotherEngineOnTheSameStore_ReachesTheOwner()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });
        await started.Task;
        await using var other = new WorkflowEngine(rig.Coordinator, rig.State, rig.Policies, environment: rig.Environment);
        await using var handle = (await other.GetRunAsync("r"))!;

        (await handle.CancelAsync()).Should().BeTrue();

        (await rig.DriveAsync(handle.Completion, TimeSpan.FromSeconds(1))).Status.Should().Be(WorkflowStatus.Cancelled);
        (await run.Completion).Status.Should().Be(WorkflowStatus.Cancelled);
        (await other.GetRunAsync("nobody")).Should().BeNull();
    }

    [Fact]
    public async Task RunWorkflowAsync_TokenCancelled_CancelsTheRun()
    {
        await using var rig = await Rig.StartAsync();
        using var cancellation = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        var run = rig.Engine.RunWorkflowAsync(ThreePhases(), new() { RunId = "r" }, cancellation.Token).AsTask();
        await started.Task;
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => run).Should().ThrowAsync<OperationCanceledException>();
        (await rig.State.GetWorkflowStateAsync("r"))!.Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task RunWorkflowAsync_OutOfTime_FailsWithWorkflowTimeout()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAsync(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(ThreePhases() with { Timeout = TimeSpan.FromSeconds(30) }).AsTask(), TimeSpan.FromSeconds(1));

        (state.Status, state.Error!.Code).Should().Be((WorkflowStatus.Failed, "WORKFLOW_TIMEOUT"));
        state.TaskResults["code"].Status.Should().Be(AgentTaskStatus.Cancelled);
    }

    [Fact]
    [Trait("Behaviour", "3")]
    public async Task RunWorkflowAsync_MoreTasksThanTheQueueHolds_NeverFailsForItsSize()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new() { QueueCapacity = 3 }, Workflows = new() { TaskWindow = 2 } });
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        var definition = WorkflowDefinition.Create("big").Phase(WorkflowPhase.Development, phase =>
        {
            for (var i = 0; i < 500; i++)
            {
                phase.Task($"t{i}", i % 2 == 0 ? AgentType.Coding : AgentType.Review);
            }
        }).Build();

        var states = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => rig.Engine.RunWorkflowAsync(definition).AsTask()));

        states.Should().OnlyContain(state => state.Status == WorkflowStatus.Completed && state.CompletedTasks == 500);
    }

    [Fact]
    public async Task StopAsync_RunInProgress_FinishesRunningTasksAndHandsItOver()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, _) =>
        {
            started.SetResult();
            await release.Task;
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });
        await started.Task;
        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.SettleAsync();
        stop.IsCompleted.Should().BeFalse();
        release.SetResult();
        await stop;

        (await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be("LEASE_LOST");
        var state = await rig.State.GetWorkflowStateAsync("r");
        (state!.Status, state.TaskResults["code"].Status).Should().Be((WorkflowStatus.Waiting, AgentTaskStatus.Completed));
        (await rig.State.Leases.GetAsync("workflow:r")).Should().BeNull("the next owner can take it at once");
        await FluentActions.Awaiting(() => rig.Engine.StartWorkflowAsync(ThreePhases()).AsTask()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task StopAsync_TasksThatOnlyWait_AreGivenBackAtOnce()
    {
        await using var rig = await Rig.StartAsync();
        var ran = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource();
        await rig.AddAsync(async (task, _) =>
        {
            ran.Enqueue(task.Task.Id);
            await release.Task;
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("a", AgentType.Coding);
            phase.Task("b", AgentType.Coding);
        }).Build();
        await using var run = await rig.Engine.StartWorkflowAsync(definition, new() { RunId = "r" });
        await Rig.UntilAsync(() => ran.Count == 1 && rig.Coordinator.WaitingTasks == 1, "one to run and one to wait");
        var stop = rig.Engine.StopAsync().AsTask();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 0, "the waiting one to be given back");
        release.SetResult();
        await stop;

        ran.Should().Equal("a");
        (await rig.State.GetWorkflowStateAsync("r"))!.TaskResults.Keys.Should().Equal("a");
    }

    [Fact]
    public async Task StopAsync_TimeIsUp_LeavesRunningTasksToTheNextOwner()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });
        await started.Task;

        await rig.Engine.StopAsync(new CancellationToken(true));

        var state = await rig.State.GetWorkflowStateAsync("r");
        (state!.Status, state.TaskResults.Count).Should().Be((WorkflowStatus.Waiting, 0));
        await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>();
    }

    [Fact]
    [Trait("Behaviour", "15")]
    public async Task Lease_TakenByAnother_StopsTheRunAndSavesNothingMore()
    {
        await using var rig = await Rig.StartAsync();
        var started = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        await rig.AddAsync(async (_, token) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, token);
            }
            finally
            {
                stopped.SetResult();
            }

            return TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(ThreePhases(), new() { RunId = "r" });
        await started.Task;
        var before = (await rig.State.GetWorkflowStateAsync("r"))!.StoreVersion;
        var lease = await rig.State.Leases.GetAsync("workflow:r");
        await rig.State.Leases.ReleaseAsync(lease!);
        await rig.State.Leases.TryAcquireAsync("workflow:r", "another", TimeSpan.FromMinutes(5));

        await FluentActions.Awaiting(() => rig.DriveAsync(run.Completion, TimeSpan.FromSeconds(1))).Should().ThrowAsync<StateException>();
        await stopped.Task;
        (await rig.State.GetWorkflowStateAsync("r"))!.StoreVersion.Should().Be(before);
    }

    [Fact]
    public async Task Lease_LongRun_IsRenewed()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(_ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("coding");
        await rig.AddAsync(async (_, token) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(5), rig.Time, token);
            return TaskData.Empty;
        });
        var definition = WorkflowDefinition.Create("long").Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding).Timeout(TimeSpan.FromHours(1))).Build();

        (await rig.DriveAsync(rig.Engine.RunWorkflowAsync(definition).AsTask(), TimeSpan.FromSeconds(5))).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    [Trait("Behaviour", "15")]
    public async Task FinishedRuns_BeyondTheLimit_AreForgottenOldestFirst()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Retention = new RetentionOptions { MaxFinishedWorkflows = 3 } });
        for (var i = 0; i < 5; i++)
        {
            await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = $"r{i}" });
        }

        (await rig.Engine.ListRunsAsync()).Items.Select(run => run.WorkflowId).Should().BeEquivalentTo("r2", "r3", "r4");
    }

    [Fact]
    public async Task Channels_PhaseAndRun_TellBeginAndEnd()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Phase(WorkflowPhase.DevOps), Channels.Workflow("r"));

        await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "empty" }, new() { RunId = "r" });

        await Rig.UntilAsync(() => rig.Messages.Count == 4, "four notices");
        rig.Messages.Where(entry => entry.Channel == "conductor:phase:devops").Select(entry => ((ControlPayload)entry.Message.Payload!).Arguments["outcome"])
            .Should().Equal("Running", "Passed");
        ((ControlPayload)rig.Messages.Last(entry => entry.Channel == "conductor:workflow:r").Message.Payload!).Arguments["status"].Should().Be("Completed");
    }

    [Fact]
    public void WorkflowOptions_OutOfRange_QuoteSettingValueAndFix()
    {
        new WorkflowOptions().Problems("W").Should().BeEmpty();
        new WorkflowOptions { MaxFeedbackLoops = -1, TaskWindow = 0, LeaseDuration = TimeSpan.Zero, PollInterval = TimeSpan.Zero }.Problems("W").Should().HaveCount(4);
    }
}
