using Conductor.Coordination;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>What was let in to wait is never refused for a queue that others have filled since.</summary>
public sealed class QueuePlaceTests
{
    /// <summary>It waits for an agent, gets one, and is denied for the time being: meanwhile another has its place in the queue.</summary>
    [Fact]
    [Trait("Behaviour", "3")]
    public async Task DispatchTaskAsync_OneThatWaitedForItsAgentIsDeniedThen_WaitsOnBesideAFullQueue()
    {
        var quota = new Quota();
        var (first, hold) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [quota], Dispatch = new DispatchOptions { QueueCapacity = 1 } });
        await AddAsync(AgentType.Coding, first.Task);
        await AddAsync(AgentType.Review, hold.Task);
        var running = rig.DispatchAsync();
        var other = rig.DispatchAsync(Rig.NewTask(AgentType.Review));
        var letIn = rig.DispatchAsync(Rig.NewTask() with { Name = Quota.Judged });
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 2, WaitingTasks: 1 }, "it to wait for its agent");

        first.SetResult();
        await quota.Asked.WaitAsync(TimeSpan.FromSeconds(20));
        var filling = rig.DispatchAsync(Rig.NewTask(AgentType.Review));
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "another to have its place");
        quota.Answer.SetResult();

        await Rig.UntilAsync(() => letIn.IsCompleted || rig.Coordinator.WaitingTasks == 2, "it to wait again");
        letIn.IsCompleted.Should().BeFalse();
        quota.IsLeft = true;
        (await rig.DriveAsync(letIn)).IsSuccess.Should().BeTrue();
        hold.SetResult();
        await rig.DriveAsync(Task.WhenAll(running, other, filling));

        Task AddAsync(AgentType type, Task until) => rig.AddAsync(
            async (_, _) =>
            {
                await until;
                return TaskData.Empty;
            },
            type);
    }

    /// <summary>Says of one task that nothing is left, as soon as it is told to answer.</summary>
    private sealed class Quota : Policy<DispatchPolicyContext>
    {
        public const string Judged = "judged";

        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public bool IsLeft { get; set; }

        public override string Name => "quota";

        public override string Description => "What is left of it.";

        public override PolicyTarget Target => PolicyTarget.Task;

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (context.Task.Name != Judged)
            {
                return Allowed;
            }

            _asked.TrySetResult();
            await Answer.Task.WaitAsync(cancellationToken);
            return IsLeft ? Allowed : Denied("nothing left", isTransient: true);
        }
    }
}
