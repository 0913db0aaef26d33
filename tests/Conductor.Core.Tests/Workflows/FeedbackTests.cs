using System.Collections.Concurrent;
using Conductor.Agents;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class FeedbackTests
{
    private static WorkflowDefinitionBuilder Loop() => WorkflowDefinition.Create("loop")
        .Phase(WorkflowPhase.Development, phase =>
        {
            phase.Task("code", AgentType.Coding);
            phase.Task("docs", AgentType.Review);
            phase.Task("test", AgentType.Test).After("code");
        })
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps))
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor));

    private static async Task<(Rig Rig, ConcurrentQueue<string> Runs)> WithMonitorAsync(Action<TaskContext> watch, WorkflowOptions? options = null)
    {
        var rig = await Rig.StartAsync(new RigOptions { Workflows = options });
        var runs = new ConcurrentQueue<string>();
        await rig.AddAllTypesAsync(task =>
        {
            runs.Enqueue($"{task.Task.Id}:{task.Round}");
            if (task.Task.Id == "watch")
            {
                watch(task);
            }

            return TaskData.From($"{task.Task.Id}:{task.Round}");
        });
        return (rig, runs);
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_AtTheSeverity_SendsTheRunBackWithoutAnyoneTriggeringIt()
    {
        var (rig, runs) = await WithMonitorAsync(task =>
        {
            if (task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Error, "no licence");
            }
        });
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        (state.Status, state.Round).Should().Be((WorkflowStatus.Completed, 1));
        runs.Where(run => run.EndsWith(":1", StringComparison.Ordinal)).Should().BeEquivalentTo("code:1", "docs:1", "test:1", "pack:1", "watch:1");
        state.PhaseHistory.Select(record => (record.Phase.Name, record.Round, record.Outcome)).Should().Equal(
            ("development", 0, PhaseOutcome.Passed), ("devops", 0, PhaseOutcome.Passed), ("monitoring", 0, PhaseOutcome.SentBack),
            ("development", 1, PhaseOutcome.Passed), ("devops", 1, PhaseOutcome.Passed), ("monitoring", 1, PhaseOutcome.Passed));
        var round = state.FeedbackRounds.Single();
        (round.Round, round.From, round.To).Should().Be((1, WorkflowPhase.Monitoring, WorkflowPhase.Development));
        round.Feedback.Single().Findings.Should().Equal("no licence");
        round.Feedback.Single().SourceAgentId.Should().Be("monitor");
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_Findings_AreVisibleToTheTasksThatRunAgain()
    {
        var seen = new ConcurrentDictionary<string, string>();
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task =>
        {
            seen[$"{task.Task.Id}:{task.Round}"] = string.Join(',', task.Feedback.SelectMany(item => item.Findings));
            if (task.Task.Id == "watch" && task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Critical, "it crashes");
            }

            return TaskData.Empty;
        });

        await rig.Engine.RunWorkflowAsync(Loop().Build());

        seen["code:0"].Should().BeEmpty();
        seen["code:1"].Should().Be("it crashes");
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_NamedTasks_LimitTheRerunToThemWhatDependsOnThemAndLaterPhases()
    {
        var (rig, runs) = await WithMonitorAsync(task =>
        {
            if (task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Error, "wrong", "code");
            }
        });
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build(), new() { RunId = "r" });

        runs.Where(run => run.EndsWith(":1", StringComparison.Ordinal)).Should().BeEquivalentTo("code:1", "test:1", "pack:1", "watch:1");
        state.TaskResults["docs"].Round.Should().Be(0);
        state.TaskResults["code"].Round.Should().Be(1);
        (await rig.State.GetTaskResultAsync("r", "code", 0))!.Output.Get<string>().Should().Be("code:0");
        state.PhaseHistory.Last(record => record.Phase == WorkflowPhase.Development).CompletedTasks.Should().Be(3, "what was kept counts at the gate");
    }

    [Fact]
    [Trait("Behaviour", "1")]
    public async Task Feedback_Round_ReallyRunsAgainUnderAKeyOfItsOwn()
    {
        var keys = new ConcurrentQueue<string>();
        var effects = 0;
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task =>
        {
            if (task.Task.Id == "code")
            {
                keys.Enqueue(task.IdempotencyKey);
                task.OnceAsync("effect", _ => Task.FromResult(++effects)).AsTask().GetAwaiter().GetResult();
            }

            if (task.Task.Id == "watch" && task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Error, "again");
            }

            return TaskData.Empty;
        });
        var definition = Loop().Build();
        definition = definition with { Tasks = [.. definition.Tasks.Select(task => task.Id == "code" ? task with { IdempotencyKey = "mine" } : task)] };

        await rig.Engine.RunWorkflowAsync(definition);

        keys.Should().Equal("mine:0", "mine:1");
        effects.Should().Be(2);
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_StillComingAtTheLimit_FailsWithMaxFeedbackLoops()
    {
        var (rig, runs) = await WithMonitorAsync(task => task.SendBack(FeedbackSeverity.Error, "never good"));
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Feedback(WorkflowPhase.Monitoring, WorkflowPhase.Development, maxRounds: 2).Build());

        (state.Status, state.Error!.Code, state.Round).Should().Be((WorkflowStatus.Failed, "MAX_FEEDBACK_LOOPS", 2));
        state.Error.Message.Should().Contain("never good");
        runs.Count(run => run.StartsWith("watch", StringComparison.Ordinal)).Should().Be(3);
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_DefaultLimit_IsThreeRounds()
    {
        var (rig, runs) = await WithMonitorAsync(task => task.SendBack(FeedbackSeverity.Error, "never good"));
        await using var disposal = rig;

        (await rig.Engine.RunWorkflowAsync(Loop().Build())).Error!.Code.Should().Be("MAX_FEEDBACK_LOOPS");
        runs.Count(run => run.StartsWith("watch", StringComparison.Ordinal)).Should().Be(4);
    }

    [Fact]
    [Trait("Behaviour", "11")]
    public async Task Feedback_AtTheLimitIfSoConfigured_CompletesWithAWarning()
    {
        var (rig, _) = await WithMonitorAsync(task => task.SendBack(FeedbackSeverity.Error, "never good"),
            new WorkflowOptions { MaxFeedbackLoops = 1, AtFeedbackLimit = FeedbackLimitAction.Continue });
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        state.Status.Should().Be(WorkflowStatus.Completed);
        var warning = state.ErrorLog.Single();
        (warning.Severity, warning.Error.Code).Should().Be((FeedbackSeverity.Warning, "MAX_FEEDBACK_LOOPS"));
    }

    [Theory]
    [InlineData(FeedbackSeverity.Info)]
    [InlineData(FeedbackSeverity.Warning)]
    public async Task Feedback_BelowTheSeverity_SendsNothingBack(FeedbackSeverity severity)
    {
        var (rig, _) = await WithMonitorAsync(task => task.SendBack(severity, "meh"));
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        (state.Status, state.Round).Should().Be((WorkflowStatus.Completed, 0));
        state.TaskResults["watch"].Feedback!.Findings.Should().Equal("meh");
    }

    [Fact]
    public async Task Feedback_LoopOff_IsAWarning()
    {
        var (rig, _) = await WithMonitorAsync(task => task.SendBack(FeedbackSeverity.Error, "bad"), new WorkflowOptions { MaxFeedbackLoops = 0 });
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        (state.Status, state.Round, state.ErrorLog.Single().Error.Code).Should().Be((WorkflowStatus.Completed, 0, "FEEDBACK_IGNORED"));
    }

    [Fact]
    public async Task Feedback_OfAPhaseNoRuleFollows_IsAWarningNotSilence()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task =>
        {
            if (task.Task.Id == "pack")
            {
                task.SendBack(FeedbackSeverity.Error, "odd");
            }

            return TaskData.Empty;
        });

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        (state.Status, state.Round, state.ErrorLog.Single().Error.Code).Should().Be((WorkflowStatus.Completed, 0, "FEEDBACK_IGNORED"));
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData(null)]
    public async Task Feedback_NamesUnknownTasks_IsAWarningAndTheWholePhaseRunsAgain(string? unknown)
    {
        var (rig, runs) = await WithMonitorAsync(task =>
        {
            if (task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Error, "bad", [unknown!]);
            }
        });
        await using var disposal = rig;

        var state = await rig.Engine.RunWorkflowAsync(Loop().Build());

        state.ErrorLog.Single().Error.Message.Should().Contain(unknown ?? "null");
        runs.Should().Contain("code:1").And.Contain("docs:1");
    }

    [Fact]
    public async Task Feedback_SentTwiceByOneTask_IsJoined()
    {
        var (rig, _) = await WithMonitorAsync(task =>
        {
            if (task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Warning, "small", "docs");
                task.SendBack(new Feedback
                {
                    Severity = FeedbackSeverity.Error, Findings = ["big"], AffectedTaskIds = ["code"], Recommendations = ["fix it"],
                    Metrics = new Dictionary<string, double> { ["errors"] = 3 },
                });
            }
        });
        await using var disposal = rig;

        var feedback = (await rig.Engine.RunWorkflowAsync(Loop().Build())).FeedbackRounds.Single().Feedback.Single();

        feedback.Severity.Should().Be(FeedbackSeverity.Error);
        feedback.Findings.Should().Equal("small", "big");
        feedback.AffectedTaskIds.Should().BeEquivalentTo("docs", "code");
        (feedback.Recommendations.Single(), feedback.Metrics["errors"]).Should().Be(("fix it", 3));
    }
}
