using Conductor.Messaging;
using Conductor.Policies;
using Conductor.Tests.Support;

namespace Conductor.Tests.Coordination;

/// <summary>A task ran, failed for the time being, and cannot run again.</summary>
public sealed class LastAttemptTests
{
    [Fact]
    [Trait("Behaviour", "7")]
    public async Task DispatchTaskAsync_ItsDeadlinePassesWhileItWaitsForAnotherAttempt_IsADeadLetterWithItsCause()
    {
        await using var rig = await Rig.StartAsync();
        await rig.FollowAsync(Channels.Errors);
        var release = new TaskCompletionSource<TaskData>();
        await rig.AddAsync((task, _) => task.Task.Name == "fails" ? throw new IOException("the real cause") : new ValueTask<TaskData>(release.Task));
        var fails = rig.DispatchAsync(Rig.NewTask() with { Name = "fails", Deadline = TimeSpan.FromSeconds(30) });
        await Rig.UntilAsync(() => rig.Coordinator.RunningTasks == 0, "the attempt to fail");
        var blocks = rig.DispatchAsync(Rig.NewTask() with { Name = "blocks" });

        var result = await rig.DriveAsync(fails);

        release.SetResult("done");
        await rig.DriveAsync(blocks);
        (result.Error!.Code, result.Attempts).Should().Be((ErrorCodes.AgentTimeout, 1));
        result.Error.Message.Should().ContainAll("deadline", ErrorCodes.TransientError, "the real cause");
        var letter = (await rig.Errors.GetDeadLetterQueueAsync()).Should().ContainSingle().Subject;
        (letter.Task!.Id, letter.RetryCount, letter.Context["attempts"]).Should().Be((result.TaskId, 0, "1"));
        rig.Messages.Should().BeEmpty("nothing is escalated");
    }

    [Fact]
    public async Task DispatchTaskAsync_APolicyDeniesTheNextAttempt_CountsTheOnesThatBegan()
    {
        await using var rig = await Rig.StartAsync(new RigOptions { Policies = [new OnceOnly()] });
        await rig.AddAsync(static _ => throw new IOException("down"));

        var result = await rig.DriveAsync(rig.DispatchAsync());

        (result.Error!.Code, result.Attempts).Should().Be((ErrorCodes.PolicyViolation, 1));
        result.Error.Message.Should().Contain("down");
    }

    private sealed class OnceOnly : Policy<DispatchPolicyContext>
    {
        public override string Name => "once";

        public override string Description => "One attempt.";

        protected override ValueTask<PolicyResult> EvaluateAsync(DispatchPolicyContext context, CancellationToken cancellationToken) =>
            new(context.Attempt == 1 ? Allowed : Denied("once is enough"));
    }
}
