using Conductor.Coordination;
using Conductor.Errors;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>All candidates of a task are denied for the time being, and another agent comes to idle while no task ends: it is a candidate at once.</summary>
public sealed class ComingAgentTests
{
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_AnotherIsRegistered_HasTheTaskAtOnce()
    {
        await using var rig = await StartAsync();
        var dispatch = await WaitAsync(rig);

        await rig.AddAsync(static _ => TaskData.Empty, id: "allowed");

        (await dispatch.WaitAsync(TimeSpan.FromSeconds(20))).AgentId.Should().Be("allowed");
    }

    /// <summary>One at a time: the first that comes is for the first that waits, and the next for the next.</summary>
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_SeveralAreRegistered_EachHasATask()
    {
        await using var rig = await StartAsync();
        var release = new TaskCompletionSource();
        var dispatches = new[] { rig.DispatchAsync(), rig.DispatchAsync(), rig.DispatchAsync() };
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 0, WaitingTasks: 3 }, "them to wait");

        for (var number = 1; number <= 3; number++)
        {
            await rig.AddAsync(
                async (_, _) =>
                {
                    await release.Task;
                    return TaskData.Empty;
                },
                id: $"allowed-{number}");
            await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == number, "the next to begin");
        }

        release.SetResult();
        await Task.WhenAll(dispatches).WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>Its caller was cancelled long before, and its place has been free since.</summary>
    [Fact]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_OneReturnsLate_HasTheTaskAtOnce()
    {
        await using var rig = await StartAsync();
        var (begun, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        await rig.AddAsync(
            async (task, _) =>
            {
                if (task.Task.Name == "held")
                {
                    begun.SetResult();
                    await release.Task;
                }

                return TaskData.Empty;
            },
            id: "allowed");
        using var cancellation = new CancellationTokenSource();
        var held = rig.DispatchAsync(Rig.NewTask() with { Name = "held" }, cancellation.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(20));
        var dispatch = await WaitAsync(rig);
        await cancellation.CancelAsync();
        await rig.Awaiting(_ => held).Should().ThrowAsync<OperationCanceledException>();
        await Rig.UntilAsync(() => rig.Coordinator is { RunningTasks: 0, WaitingTasks: 1 }, "it to have looked again");
        dispatch.IsCompleted.Should().BeFalse();

        release.SetResult();

        (await dispatch.WaitAsync(TimeSpan.FromSeconds(20))).AgentId.Should().Be("allowed");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Behaviour", "2")]
    public async Task DispatchTaskAsync_OneThatStoodApartIsFitAgain_HasTheTaskAtOnce(bool isByHand)
    {
        await using var rig = await StartAsync();
        await rig.AddAsync(static _ => TaskData.Empty, id: "allowed");
        var breaker = rig.Errors.GetCircuitBreaker("allowed");
        for (var failure = 0; failure < CircuitBreakerOptions.DefaultFailureThreshold; failure++)
        {
            breaker.RecordFailure();
        }

        var dispatch = await WaitAsync(rig);
        if (isByHand)
        {
            breaker.Reset();
        }
        else
        {
            rig.Time.Advance(CircuitBreakerOptions.DefaultRecoveryTimeout);
        }

        (await dispatch.WaitAsync(TimeSpan.FromSeconds(20))).AgentId.Should().Be("allowed");
    }

    private static async Task<Rig> StartAsync()
    {
        var dispatch = new DispatchOptions { PolicyRecheckInterval = TimeSpan.FromHours(1) };
        var rig = await Rig.StartAsync(new RigOptions { Policies = [new NotThis()], Dispatch = dispatch });
        await rig.AddAsync(static _ => TaskData.Empty, id: NotThis.Forbidden);
        return rig;
    }

    private static async Task<Task<TaskResult>> WaitAsync(Rig rig)
    {
        var dispatch = rig.DispatchAsync();
        await Rig.UntilAsync(() => rig.Coordinator.WaitingTasks == 1, "it to wait");
        return dispatch;
    }

    private sealed class NotThis : Policy<DispatchPolicyContext>
    {
        public const string Forbidden = "forbidden";

        public override string Name => "not_this";

        public override string Description => "Not one of them.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Candidate!.Id != Forbidden ? Allowed : Denied("not that one", isTransient: true));
    }
}
