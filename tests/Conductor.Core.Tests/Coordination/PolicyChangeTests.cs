using Conductor.Agents;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>Policies come and go while dispatches wait: what was refused before counts no more.</summary>
public sealed class PolicyChangeTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    [Trait("Behaviour", "2")]
    public async Task UnregisterPolicy_ATaskWaitsBesideARefusedCandidate_ThatOneRunsIt()
    {
        await using var rig = await StartAsync(new NotA());
        var busy = rig.DispatchAsync();
        var waiting = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the task to wait for b");

        rig.Policies.UnregisterPolicy("not_a");

        (await waiting.WaitAsync(_limit)).AgentId.Should().Be("a");
        _release.SetResult();
        (await busy).AgentId.Should().Be("b");
    }

    [Fact]
    public async Task UnregisterPolicy_TasksOfARunWaitBesideARefusedCandidate_BothAgentsRunThem()
    {
        await using var rig = await StartAsync(new NotA());
        var definition = WorkflowDefinition.Create("w").Phase(WorkflowPhase.Development, static phase =>
        {
            for (var number = 0; number < 3; number++)
            {
                phase.Task($"task-{number}", AgentType.Coding);
            }
        }).Build();
        await using var run = await rig.Engine.StartWorkflowAsync(definition);
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks > 0, "tasks to wait for b");

        rig.Policies.UnregisterPolicy("not_a");

        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 0, "a to run what waited");
        _release.SetResult();
        (await run.Completion.WaitAsync(_limit)).TaskResults.Values.Select(static result => result.AgentId).Distinct().Should().BeEquivalentTo("a", "b");
    }

    /// <summary>Its answer is that of a policy which is no more.</summary>
    [Fact]
    public async Task UnregisterPolicy_WhileItJudgesACandidate_ThatOneIsJudgedAgain()
    {
        var (asked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var rig = await StartAsync(new NotA(async () =>
        {
            asked.TrySetResult();
            await answer.Task;
        }));
        var first = rig.DispatchAsync();
        await asked.Task.WaitAsync(_limit);

        rig.Policies.UnregisterPolicy("not_a");
        var onA = rig.DispatchAsync();
        var onB = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks >= 2, "b to be busy");
        answer.SetResult();

        (await first.WaitAsync(_limit)).AgentId.Should().Be("a");
        _release.SetResult();
        await Task.WhenAll(onA, onB).WaitAsync(_limit);
    }

    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_OneCandidateRefusedAndTheOtherBrokenOff_IsKeptAsADeadLetter()
    {
        await using var rig = await StartAsync(new NotA());
        var breaker = rig.Errors.GetCircuitBreaker("b");
        for (var count = 0; count < 5; count++)
        {
            breaker.RecordFailure();
        }

        var failure = (await FluentActions.Awaiting(() => rig.DispatchAsync()).Should().ThrowAsync<CircuitOpenException>()).Which;

        failure.RetryAfter.Should().Be(TimeSpan.FromSeconds(60));
        (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle();
        rig.Time.Advance(TimeSpan.FromSeconds(61));
        _release.SetResult();
        (await rig.DispatchAsync()).AgentId.Should().Be("b");
    }

    /// <summary>Agent a gives back at once; b when it is released.</summary>
    private async Task<Rig> StartAsync(Policy policy)
    {
        var rig = await Rig.StartAsync(new RigOptions { Policies = [policy] });
        await rig.AddAsync(static _ => TaskData.Empty, id: "a");
        await rig.AddAsync(RunOnBAsync, id: "b");
        return rig;
    }

    private async ValueTask<TaskData> RunOnBAsync(TaskContext task, CancellationToken cancellationToken)
    {
        await _release.Task.WaitAsync(cancellationToken);
        return TaskData.Empty;
    }

    private sealed class NotA(Func<Task>? beforeAnswer = null) : Policy<DispatchPolicyContext>
    {
        public override string Name => "not_a";

        public override string Description => "Not agent a.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (context.Candidate!.Id != "a")
            {
                return Allowed;
            }

            await (beforeAnswer?.Invoke() ?? Task.CompletedTask);
            return Denied("not a");
        }
    }
}
