using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>Cancelling a run that another process runs: its owner looks at each look for runs to take over, and at each renewal.</summary>
public sealed class CancelElsewhereTests
{
    [Fact]
    public async Task CancelAsync_OfARunElsewhere_IsCarriedOutAtTheNextLook()
    {
        await using var processes = new Processes();
        var (owner, store) = await StartAsync(processes, Stuck);
        await owner.Engine.StartAsync();
        await using var run = await owner.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");
        var asked = 0;
        store.Trouble["IsCancellationRequestedAsync"] = () =>
        {
            Interlocked.Increment(ref asked);
            return Task.CompletedTask;
        };
        var (other, _) = await StartAsync(processes, Stuck);
        await using var handle = (await other.Engine.GetRunAsync("run"))!;

        (await handle.CancelAsync()).Should().BeTrue();
        owner.Time.Advance(TimeSpan.FromSeconds(1));

        (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Cancelled);
        asked.Should().Be(0, "the look lists all runs in one query");
    }

    /// <summary>An engine that nobody told to look for runs to take over asks as it renews.</summary>
    [Fact]
    public async Task CancelAsync_OfARunOfAnEngineThatDoesNotLook_IsCarriedOutAtTheNextRenewal()
    {
        await using var processes = new Processes();
        var (owner, _) = await StartAsync(processes, Stuck);
        await using var run = await owner.Engine.StartWorkflowAsync(One);
        await Rig.UntilAsync(() => owner.Coordinator.RunningTasks == 1, "the task to run");

        await processes.Store.RequestCancellationAsync(run.RunId);
        owner.Time.Advance(TimeSpan.FromSeconds(10));

        (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Cancelled);
    }
}
