using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>What happens to an attempt while something else happens to its agent.</summary>
public sealed class AttemptRaceTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task AgentUnregistered_BetweenBeingTakenAndItsTask_AnotherGetsTheTask()
    {
        await using var rig = await Rig.StartAsync();
        foreach (var id in new[] { "a", "b" })
        {
            await rig.AddAsync(task => TaskData.From(task.AgentId), id: id);
        }

        var candidate = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var allowed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Policies.RegisterPolicy(new HesitantPolicy(candidate, allowed.Task));
        var dispatch = rig.DispatchAsync();
        var taken = await candidate.Task.WaitAsync(_limit);

        await rig.Coordinator.UnregisterAgentAsync(taken);
        allowed.SetResult();
        var result = await dispatch.WaitAsync(_limit);

        result.EnsureSucceeded().Output.Get<string>().Should().NotBe(taken);
        result.Attempts.Should().Be(1);
        rig.Coordinator.RunningTasks.Should().Be(0);
    }

    /// <summary>
    /// The caller of the task that timed out holds the thread of the timer, until the agent has returned and begun another task: that one has
    /// nothing to do with the limit.
    /// </summary>
    [Fact]
    public async Task AgentReturnsAfterItsLimit_AndBeginsAnother_WhichIsLeftAlone()
    {
        await using var rig = await Rig.StartAsync();
        using var goesOn = new ManualResetEventSlim();
        var returns = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ends = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isSecond = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isFirst = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var token = CancellationToken.None;
        await rig.AddAsync(async (task, cancellation) =>
        {
            if (task.Task.Name == "late")
            {
                token = cancellation;
                isFirst.SetResult();
                await returns.Task;
            }
            else
            {
                isSecond.SetResult();
                await ends.Task;
            }

            return TaskData.From(task.Task.Name);
        });
        var timedOut = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = Task.Run(async () =>
        {
            var result = await rig.DispatchAsync(
                Rig.NewTask() with { Name = "late", Timeout = TimeSpan.FromSeconds(10), Retry = new RetrySettings { MaxRetries = 0 } });
            timedOut.SetResult(token.IsCancellationRequested);
            goesOn.Wait(_limit);
            return result;
        });
        await isFirst.Task.WaitAsync(_limit);
        var next = rig.DispatchAsync(Rig.NewTask() with { Name = "next" });
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "the next");

        var advance = Task.Run(() => rig.Time.Advance(TimeSpan.FromSeconds(10)));
        (await timedOut.Task.WaitAsync(_limit)).Should().BeTrue("the agent is asked to stop before anybody goes on");
        returns.SetResult();
        await isSecond.Task.WaitAsync(_limit);
        goesOn.Set();
        await advance.WaitAsync(_limit);
        ends.SetResult();

        (await late).Error!.Code.Should().Be(ErrorCodes.AgentTimeout);
        (await next.WaitAsync(_limit)).EnsureSucceeded().Output.Get<string>().Should().Be("next");
    }

    /// <summary>Allows everything, but the first time only after a while.</summary>
    private sealed class HesitantPolicy(TaskCompletionSource<string> candidate, Task allowed) : Policy<DispatchPolicyContext>
    {
        public override string Name => "hesitant";

        public override string Description => "Takes its time.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (candidate.TrySetResult(context.Candidate!.Id))
            {
                await allowed.WaitAsync(cancellationToken);
            }

            return Allowed;
        }
    }
}
