using System.Collections.Concurrent;
using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Workflows;

/// <summary>What is committed together, and what before something else.</summary>
public sealed class StepTests
{
    private static WorkflowDefinitionBuilder ThreePhases() => WorkflowDefinition.Create("steps")
        .Phase(WorkflowPhase.Development, phase => phase.Task("code", AgentType.Coding))
        .Phase(WorkflowPhase.DevOps, phase => phase.Task("pack", AgentType.DevOps))
        .Phase(WorkflowPhase.Monitoring, phase => phase.Task("watch", AgentType.Monitor));

    [Fact]
    public async Task Run_PhasesThatPass_EndsOneAndBeginsTheNextInOneStep()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases().Build());

        state.StoreVersion.Should()
            .Be(4, "it begins with its first task, each of two results is stored with the start of the next task, and the last with the run's end");
        var history = await rig.State.GetWorkflowHistoryAsync(state.WorkflowId);
        history!.Events.Select(static happening => happening.Kind).Should().Equal(
            [
                WorkflowEventKind.WorkflowStarted,
                .. Enumerable.Repeat(
                    new[] { WorkflowEventKind.PhaseStarted, WorkflowEventKind.TaskStarted, WorkflowEventKind.TaskFinished,
                        WorkflowEventKind.PhaseFinished }, 3).SelectMany(static phase => phase),
                WorkflowEventKind.WorkflowFinished,
            ]);
    }

    [Fact]
    public async Task Run_WithoutPhases_BeginsAndEnds()
    {
        await using var rig = await Rig.StartAsync();

        var state = await rig.Engine.RunWorkflowAsync(new WorkflowDefinition { Name = "nothing", Phases = [] });

        (state.Status, state.StoreVersion).Should().Be((WorkflowStatus.Completed, 2));
    }

    [Fact]
    public async Task Gate_PolicyOfTheApplication_SeesTheResultsStored()
    {
        Rig? rig = null;
        var seen = new ConcurrentQueue<string>();
        var policy = new GatePolicy(async context =>
        {
            var state = await rig!.State.GetWorkflowStateAsync(context.WorkflowId!);
            seen.Enqueue(string.Join(',', state!.TaskResults.Keys.Order(StringComparer.Ordinal)));
        });
        rig = await Rig.StartAsync(new RigOptions { Policies = [new PhaseGatePolicy(), policy] });
        await using var disposal = rig;
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);

        var state = await rig.Engine.RunWorkflowAsync(ThreePhases().Build());

        state.Status.Should().Be(WorkflowStatus.Completed);
        seen.Should().Equal("code", "code,pack", "code,pack,watch");
    }

    [Fact]
    public async Task Feedback_SendsBack_TasksThatRunAgainAreWithoutResultMeanwhile()
    {
        await using var rig = await Rig.StartAsync();
        var seen = new ConcurrentQueue<string>();
        await rig.AddAllTypesAsync(task =>
        {
            if (task is { Task.Id: "watch", Round: 0 })
            {
                task.SendBack(FeedbackSeverity.Error, "again");
            }

            return TaskData.Empty;
        });
        await rig.AddAsync(
            async (task, token) =>
            {
                var state = await rig.State.GetWorkflowStateAsync("r", token);
                seen.Enqueue($"{task.Round}: {string.Join(',', state!.TaskResults.Keys)}");
                return TaskData.Empty;
            },
            new AgentType("looker"));
        var definition = ThreePhases().Build();
        definition = definition
            with { Tasks = [.. definition.Tasks, new TaskDefinition { Id = "look", AgentType = new AgentType("looker"), Phase = WorkflowPhase.Development }] };

        var state = await rig.Engine.RunWorkflowAsync(definition, new() { RunId = "r" });

        (state.Status, state.Round).Should().Be((WorkflowStatus.Completed, 1));
        seen.Should().HaveCount(2).And.OnlyContain(static line => !line.Contains("pack") && !line.Contains("watch"));
        (await rig.State.GetTaskResultAsync("r", "watch", round: 0)).Should().NotBeNull("what was stored before it was reopened is kept");
    }

    [Fact]
    public async Task Notice_OfAPhase_ComesWhenItIsStored()
    {
        await using var rig = await Rig.StartAsync();
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        var seen = new ConcurrentQueue<(string Outcome, PhaseOutcome? Stored, bool HasResult)>();
        await rig.Bus.SubscribeAsync(Channels.Phase(WorkflowPhase.DevOps), async (message, token) =>
        {
            var state = await rig.State.GetWorkflowStateAsync("r", token);
            var record = state!.PhaseHistory.SingleOrDefault(static record => record.Phase == WorkflowPhase.DevOps);
            seen.Enqueue((((ControlPayload)message.Payload!).Arguments["outcome"], record?.Outcome, state.TaskResults.ContainsKey("pack")));
        });

        await rig.Engine.RunWorkflowAsync(ThreePhases().Build(), new() { RunId = "r" });

        await Rig.UntilAsync(() => seen.Count == 2, "two notices");
        seen.First().Outcome.Should().Be("running");
        seen.First().Stored.Should().NotBeNull();
        seen.Last().Should().Be(("passed", PhaseOutcome.Passed, true));
    }

    private sealed class GatePolicy(Func<GatePolicyContext, Task> look) : Policy<GatePolicyContext>
    {
        public override string Name => "look";

        public override string Description => "Looks at what is stored.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(GatePolicyContext context, CancellationToken cancellationToken)
        {
            await look(context);
            return Allowed;
        }
    }
}
