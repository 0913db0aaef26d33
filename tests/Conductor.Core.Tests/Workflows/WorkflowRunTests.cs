using System.Collections.Concurrent;
using Conductor.Messaging;
using Conductor.State;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>From phase to phase, through the tasks of each.</summary>
public sealed class WorkflowRunTests
{
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

        var state = await rig.Engine.RunWorkflowAsync(Release.ThreePhases());

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

        var state = await rig.Engine.RunWorkflowAsync(Release.ThreePhases());

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

        var state = await rig.Engine.RunWorkflowAsync(Release.ThreePhases());

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

        var state = await rig.Engine.RunWorkflowAsync(Release.ThreePhases());

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

        (await rig.Engine.RunWorkflowAsync(Release.ThreePhases())).Status.Should().Be(WorkflowStatus.Completed);
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

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(Release.ThreePhases()).AsTask());

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

        var state = await rig.Engine.RunWorkflowAsync(Release.ThreePhases());

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

        var first = await rig.Engine.RunWorkflowAsync(Release.ThreePhases(), new() { RunId = "r1" });
        var second = await rig.Engine.RunWorkflowAsync(Release.ThreePhases(), new() { RunId = "r2" });

        keys.Should().OnlyHaveUniqueItems().And.Contain("r1:code:0").And.Contain("r2:code:0");
        first.TaskResults["code"].Output.Get<string>().Should().Be("r1");
        second.TaskResults["code"].Output.Get<string>().Should().Be("r2");
        (await rig.State.GetTaskResultAsync("r2", "code", 0))!.Output.Get<string>().Should().Be("r2");
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
            .Should().Equal("running", "passed");
        ((ControlPayload)rig.Messages.Last(entry => entry.Channel == "conductor:workflow:r").Message.Payload!).Arguments["status"].Should().Be("completed");
    }

    [Fact]
    public void WorkflowOptions_OutOfRange_QuoteSettingValueAndFix()
    {
        new WorkflowOptions().Problems("W").Should().BeEmpty();
        new WorkflowOptions { MaxFeedbackLoops = -1, TaskWindow = 0, LeaseDuration = TimeSpan.Zero, PollInterval = TimeSpan.Zero }.Problems(
            "W").Should().HaveCount(4);
        new WorkflowOptions { LeaseDuration = TimeSpan.MaxValue, PollInterval = TimeSpan.FromDays(60), RecoveryInterval = TimeSpan.FromTicks(1) }.Problems("W")
            .Should().HaveCount(3).And.OnlyContain(static problem => problem.Contains("; set it to 00:00:00.00") && problem.Contains(" up to 49."));
    }
}
