using Conductor.Policies;
using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>A gate that waits for a person's word: the run can be stopped all the same, in every way.</summary>
public sealed class GateStopTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task CancelAsync_WhileAGateIsAsked_EndsTheRun()
    {
        await using var rig = await StartAsync(heedsToken: true);
        await using var run = await AtItsGateAsync(rig);

        await run.CancelAsync();

        (await run.Completion.WaitAsync(_limit)).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task Timeout_WhileAGateIsAsked_EndsTheRun()
    {
        await using var rig = await StartAsync(heedsToken: true);
        await using var run = await AtItsGateAsync(rig);

        rig.Time.Advance(TimeSpan.FromMinutes(6));

        (await run.Completion.WaitAsync(_limit)).Error!.Code.Should().Be(ErrorCodes.WorkflowTimeout);
    }

    /// <summary>Not even a policy that ignores its token holds a stop up, and its next owner asks again.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_WhileAGateIsAsked_HandsTheRunOver(bool heedsToken)
    {
        await using var processes = new Processes();
        var leaving = await processes.StartAsync();
        leaving.Policies.RegisterPolicy(new Approval(new TaskCompletionSource().Task, heedsToken));
        await leaving.AddAsync(static _ => "done");
        await using var run = await AtItsGateAsync(leaving);

        await leaving.Engine.StopAsync().AsTask().WaitAsync(_limit);

        (await FluentActions.Awaiting(() => run.Completion).Should().ThrowAsync<StateException>()).Which.Message.Should().Contain("handed over");
        var heir = await processes.StartAsync();
        heir.Policies.RegisterPolicy(new Approval(Task.CompletedTask, heedsToken));
        await heir.AddAsync(static _ => throw new InvalidOperationException("it is done"));
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        await using var same = (await heir.Engine.GetRunAsync(run.RunId))!;
        (await heir.DriveAsync(same.Completion)).Status.Should().Be(WorkflowStatus.Completed);
    }

    private static async Task<Rig> StartAsync(bool heedsToken)
    {
        var rig = await Rig.StartAsync(new RigOptions { Policies = [new Approval(new TaskCompletionSource().Task, heedsToken)] });
        await rig.AddAsync(static _ => "done");
        return rig;
    }

    private static async Task<WorkflowRun> AtItsGateAsync(Rig rig)
    {
        var run = await rig.Engine.StartWorkflowAsync(
            new WorkflowDefinition { Name = "gated", Tasks = [Rig.NewTask() with { Id = "task" }], Timeout = TimeSpan.FromMinutes(5) });
        var policy = (Approval)rig.Policies.GetPolicy("approval")!;
        await policy.Asked.WaitAsync(_limit);
        return run;
    }

    private sealed class Approval(Task approval, bool heedsToken) : Policy<GatePolicyContext>
    {
        private readonly TaskCompletionSource _asked = new();

        public Task Asked => _asked.Task;

        public override string Name => "approval";

        public override string Description => "Somebody says yes.";

        protected override async ValueTask<PolicyResult> EvaluateAsync(GatePolicyContext context, CancellationToken cancellationToken)
        {
            _asked.TrySetResult();
            await approval.WaitAsync(heedsToken ? cancellationToken : CancellationToken.None);
            return Allowed;
        }
    }
}
