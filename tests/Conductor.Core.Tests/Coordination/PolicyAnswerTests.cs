using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>An application's policy waits for a person's word before a task may begin.</summary>
public sealed class PolicyAnswerTests
{
    private readonly PersonsWord _policy = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Behaviour", "6")]
    public async Task DispatchTaskAsync_TheDeadlinePassesBeforeTheAnswer_IsOverThen(bool heedsToken)
    {
        _policy.HeedsToken = heedsToken;
        await using var rig = await StartAsync();
        var startedAt = rig.Time.GetUtcNow();

        var dispatch = rig.DispatchAsync(Rig.NewTask() with { Deadline = TimeSpan.FromSeconds(3) });

        (await rig.Awaiting(_ => rig.DriveAsync(dispatch)).Should().ThrowAsync<AgentTimeoutException>()).WithMessage("*no answer of a policy*3*");
        (rig.Time.GetUtcNow() - startedAt).Should().BeLessThan(TimeSpan.FromSeconds(4));
        rig.Coordinator.GetAvailableAgents(AgentType.Coding).Should().ContainSingle("the agent is free for others");
        _policy.Answer.SetResult(true);
        (await rig.DispatchAsync()).IsSuccess.Should().BeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StopAsync_TheAnswerIsWaitedFor_EndsTheDispatchAtOnce(bool heedsToken)
    {
        _policy.HeedsToken = heedsToken;
        await using var rig = await StartAsync();
        var dispatch = rig.DispatchAsync();

        await rig.Coordinator.StopAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        await rig.Awaiting(_ => dispatch).Should().ThrowAsync<NoAvailableAgentException>();
    }

    [Fact]
    public async Task StopAsync_ARunWaitsForTheAnswer_HandsItOverAtOnce()
    {
        await using var rig = await StartAsync();
        var run = await rig.Engine.StartWorkflowAsync(Release.ThreePhases());
        await _policy.Asked.WaitAsync(TimeSpan.FromSeconds(20));

        await rig.Engine.StopAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        (await rig.Awaiting(_ => run.Completion).Should().ThrowAsync<StateException>()).Which.ErrorCode.Should().Be(ErrorCodes.LeaseLost);
    }

    [Fact]
    public async Task DispatchTaskAsync_CallerCancelsWhileTheAnswerIsWaitedFor_IsCancelled()
    {
        _policy.HeedsToken = false;
        await using var rig = await StartAsync();
        using var cancellation = new CancellationTokenSource();
        var dispatch = rig.DispatchAsync(cancellationToken: cancellation.Token);

        await cancellation.CancelAsync();

        (await rig.Awaiting(_ => dispatch).Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
    }

    [Fact]
    public async Task StopAsync_WhatThePolicyRegisteredThrows_IsLogged()
    {
        _policy.Registers = static () => throw new InvalidOperationException("callback");
        await using var rig = await StartAsync();
        var dispatch = rig.DispatchAsync();

        await rig.Coordinator.StopAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

        await rig.Awaiting(_ => dispatch).Should().ThrowAsync<NoAvailableAgentException>();
        await Rig.UntilAsync(() => rig.Logs.GetSnapshot().Any(entry => entry.Id.Id == 1370), "the failure to be logged");
    }

    private async Task<Rig> StartAsync()
    {
        var rig = await Rig.StartAsync(new RigOptions { Policies = [_policy] });
        await rig.AddAllTypesAsync(static _ => TaskData.Empty);
        return rig;
    }

    private sealed class PersonsWord : Policy<DispatchPolicyContext>
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public bool HeedsToken { get; set; } = true;

        public Action? Registers { get; set; }

        public override string Name => "word";

        public override string Description => "Somebody says yes.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken)
        {
            if (Registers is { } callback)
            {
                cancellationToken.Register(callback);
            }

            _asked.TrySetResult();
            var answer = HeedsToken ? Answer.Task.WaitAsync(cancellationToken) : Answer.Task;
            return await answer ? Allowed : Denied("no");
        }
    }
}
