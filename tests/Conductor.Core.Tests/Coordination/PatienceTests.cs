using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>How long a task waits while a policy denies it for the time being, and what its limits mean for runs.</summary>
public sealed class PatienceTests
{
    [Fact]
    [Trait("Behaviour", "4")]
    public async Task DispatchTaskAsync_DeniedForTheTimeBeing_WaitsNoLongerThanTheWaitLimit()
    {
        await using var rig = await StartBusyAsync(
            new DispatchOptions { WaitLimit = TimeSpan.FromSeconds(1), PolicyRecheckInterval = TimeSpan.FromSeconds(15) });
        var startedAt = rig.Time.GetUtcNow();

        await FluentActions.Awaiting(() => rig.DriveAsync(rig.DispatchAsync())).Should().ThrowAsync<PolicyViolationException>();

        (rig.Time.GetUtcNow() - startedAt).Should().BeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_DeniedUntilItsDeadline_IsOutOfTimeAndNotBegun()
    {
        await using var rig = await StartBusyAsync(new DispatchOptions { PolicyRecheckInterval = TimeSpan.FromSeconds(15) });
        var startedAt = rig.Time.GetUtcNow();

        await FluentActions.Awaiting(() => rig.DriveAsync(rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(1) }))).Should()
            .ThrowAsync<AgentTimeoutException>();

        (rig.Time.GetUtcNow() - startedAt).Should().BeLessThan(TimeSpan.FromSeconds(2));
        (await rig.Coordinator.GetAgentStatusAsync("agent-2"))!.ErrorCount.Should().Be(0, "it never got it");
    }

    /// <summary>The deadline passes while a policy makes up its mind: an agent that got the task then would be blamed for it.</summary>
    [Fact]
    public async Task DispatchTaskAsync_DeadlinePassesWhileAPolicyIsAsked_IsNotBegun()
    {
        var answer = new TaskCompletionSource();
        var policy = new Slow(answer.Task);
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [policy] });
        var runs = 0;
        await rig.AddAsync(_ => TaskData.From(++runs), id: "a");
        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(1) });
        rig.Time.Advance(TimeSpan.FromSeconds(2));

        answer.SetResult();

        await FluentActions.Awaiting(() => dispatch).Should().ThrowAsync<AgentTimeoutException>();
        (runs, rig.Errors.GetCircuitBreaker("a").ConsecutiveFailures).Should().Be((0, 0));
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().ContainSingle("it is given back");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200)]
    [Trait("Behaviour", "3")]
    public async Task RunWorkflowAsync_ManyTasksAndAWaitLimit_DoesNotFailForItsSize(int milliseconds)
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Dispatch = new DispatchOptions { WaitLimit = TimeSpan.FromMilliseconds(milliseconds) } });
        await rig.AddAsync(static async (task, token) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(30), task.TimeProvider, token);
            return TaskData.Empty;
        });
        var big = new WorkflowDefinition { Name = "big",
            Tasks = [.. Enumerable.Range(0, 50).Select(static number => Rig.NewTask() with { Id = $"{number}" })] };

        var state = await rig.DriveAsync(rig.Engine.RunWorkflowAsync(big).AsTask(), TimeSpan.FromMilliseconds(50));

        (state.Status, state.CompletedTasks).Should().Be((WorkflowStatus.Completed, 50));
    }

    /// <summary>One task may run at a time, and one does.</summary>
    private static async Task<Rig> StartBusyAsync(DispatchOptions options)
    {
        var rig = await Rig.StartAsync(new RigOptions { Dispatch = options, Policies = [new MaxConcurrentTasksPolicy(1)] });
        for (var agent = 0; agent < 2; agent++)
        {
            await rig.AddAsync(static async (task, token) =>
            {
                await Task.Delay(TimeSpan.FromMinutes(1), task.TimeProvider, token);
                return TaskData.Empty;
            });
        }

        _ = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 1, "the first to run");
        return rig;
    }

    private sealed class Slow(Task answer) : Policy<DispatchPolicyContext>
    {
        public override string Name => "slow";

        public override string Description => "Takes its time.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            await answer;
            return Allowed;
        }
    }
}
