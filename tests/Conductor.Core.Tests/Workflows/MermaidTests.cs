using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

public sealed class MermaidTests
{
    private static WorkflowDefinition Release() => WorkflowDefinition.Create("release")
        .Phase(WorkflowPhase.Development, phase =>
        {
            var code = phase.Task("code", AgentType.Coding);
            phase.Task("test", AgentType.Test).After(code);
        })
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor).Named("say \"<hi>\" & #1"))
        .Feedback(WorkflowPhase.Monitoring, WorkflowPhase.Development)
        .Build();

    [Fact]
    public void ToMermaid_Definition_DrawsPhasesDependenciesAndLoop() => Release().ToMermaid().ReplaceLineEndings("\n").Should().Be(
        """
        flowchart LR
          subgraph p0["development"]
            t0["code<br/>coding"]
            t1["test"]
          end
          subgraph p1["monitoring"]
            t2["say #quot;#lt;hi#gt;#quot; #amp; #35;1<br/>monitor"]
          end
          p0 ==> p1
          t0 --> t1
          p1 -. feedback .-> p0

        """.ReplaceLineEndings("\n"));

    [Fact]
    public async Task ToMermaidAsync_RunInProgress_ShowsWhatIsUnderWay()
    {
        await using var rig = await Rig.StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        await rig.Coordinator.UnregisterAgentAsync("test");
        await rig.AddAsync(
            async (_, _) =>
            {
                begun.SetResult();
                await release.Task;
                return TaskData.Empty;
            },
            AgentType.Test);
        await using var run = await rig.Engine.StartWorkflowAsync(Release());
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(20));

        var text = await run.ToMermaidAsync();

        text.Should().ContainAll("class t0 Completed", "class t1 InProgress", "class t2 Pending");
        release.SetResult();
        await rig.DriveAsync(run.Completion);
    }

    /// <summary>Its second attempt runs, or is waited for: the task is in progress either way.</summary>
    /// <param name="runs">Whether the second attempt runs.</param>
    /// <param name="isLasting">Whether the store outlives the process, so that the history has the second start, too.</param>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task ToMermaidAsync_ATaskIsTriedAgain_IsShownInProgress(bool runs, bool isLasting)
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync(wrap: isLasting ? null : _ => processes.Store);
        var (failed, begun, release) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(async (task, token) =>
        {
            if (task.Attempt == 1)
            {
                failed.SetResult();
                throw new IOException("the network");
            }

            begun.SetResult();
            await release.Task.WaitAsync(token);
            return "done";
        });
        await using var run = await rig.Engine.StartWorkflowAsync(
            WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase => phase.Task("t", AgentType.Coding)).Build());
        await (runs ? rig.DriveAsync(begun.Task) : failed.Task);
        await run.WatchAsync().FirstAsync(static happening => happening.Kind == WorkflowEventKind.TaskRetrying);

        (await run.ToMermaidAsync()).Should().Contain("class t0 InProgress");

        release.SetResult();
        await rig.DriveAsync(run.Completion);
    }

    /// <summary>It was tried again by an owner that gave it back: nobody has it.</summary>
    [Fact]
    public async Task ToMermaidAsync_ATaskWasGivenBackBetweenTwoAttempts_IsShownPending()
    {
        await using var processes = new Processes();
        var rig = await processes.StartAsync();
        await rig.AddAsync(static _ => throw new IOException("the network"));
        await rig.Engine.StartWorkflowAsync(
            WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase => phase.Task("t", AgentType.Coding)).Build(),
            new WorkflowRunOptions { RunId = "run" });
        await using var run = (await rig.Engine.GetRunAsync("run"))!;
        await run.WatchAsync().FirstAsync(static happening => happening.Kind == WorkflowEventKind.TaskRetrying);
        await rig.DriveAsync(rig.Engine.StopAsync().AsTask());

        (await run.ToMermaidAsync()).Should().Contain("class t0 Pending");
    }

    [Fact]
    public async Task ToMermaidAsync_Run_IsColouredByStatusAndTellsRoundsAndAttempts()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(task =>
        {
            if (task.Task.Id == "watch" && task.Round == 0)
            {
                task.SendBack(FeedbackSeverity.Error, "again");
            }

            return task.Task.Id == "test" ? task.Attempt == 1 ? throw new AgentException(ErrorCodes.TransientError, "x") : TaskData.Empty : TaskData.Empty;
        });
        await using var run = await rig.Engine.StartWorkflowAsync(Release());
        await rig.DriveAsync(run.Completion);

        var text = await run.ToMermaidAsync();

        text.Should().ContainAll("class t0,t1,t2 Completed", "classDef Completed fill:", "test<br/>2 attempts, round 1", "feedback: 1 round(s)");
    }

    [Fact]
    public async Task ToMermaidAsync_StateSavedWithoutADefinition_SaysSo()
    {
        await using var rig = await Rig.StartAsync();
        await rig.State.SaveWorkflowStateAsync(new WorkflowState { WorkflowId = "hand", DefinitionName = "d" });
        await using var run = (await rig.Engine.GetRunAsync("hand"))!;

        (await FluentActions.Awaiting(() => run.ToMermaidAsync().AsTask()).Should().ThrowAsync<InvalidOperationException>())
            .WithMessage("*'hand'*definition*ToMermaid(state)*");

        await rig.State.DeleteWorkflowAsync("hand");
        (await FluentActions.Awaiting(() => run.ToMermaidAsync().AsTask()).Should().ThrowAsync<StateException>()).WithMessage("*not in the store*");
    }

    [Fact]
    public void ToMermaid_RoundsOfPhasesThatTheDefinitionLacks_AreNotDrawn()
    {
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, phase => phase.Task("a", AgentType.Coding)).Build();
        var state = new WorkflowState
        {
            WorkflowId = "x", DefinitionName = "w",
            FeedbackRounds =
            [
                new FeedbackRound { Round = 1, From = WorkflowPhase.Monitoring, To = WorkflowPhase.Development },
                new FeedbackRound { Round = 2, From = WorkflowPhase.Development, To = WorkflowPhase.DevOps },
                new FeedbackRound { Round = 3, From = WorkflowPhase.Development, To = WorkflowPhase.Development },
            ],
        };

        definition.ToMermaid(state).Should().Contain("p0 -. \"feedback: 1 round(s)\" .-> p0").And.NotContain("p-1");
    }
}
