using Conductor.State;
using Conductor.Testing;
using Conductor.Tests.Support;
using static Conductor.Tests.Support.StoreTrouble;

namespace Conductor.Tests.Workflows;

/// <summary>A cancel that comes when the store has the run, and this engine does not run it yet: it is carried out at once all the same.</summary>
public sealed class EarlyCancelTests
{
    [Theory]
    [InlineData("run")]
    [InlineData(null)]
    public async Task CancelAsync_AsSoonAsTheRunExists_IsCarriedOutAtOnce(string? id)
    {
        Rig rig = null!;
        var asked = false;
        rig = await Rig.StartAsync(new RigOptions
        {
            State = environment => new InterceptedStateManager(new InMemoryStateManager(environment))
            {
                AfterCommit = number => asked |= number == 1 && Cancel(rig),
            },
        });
        await using var disposal = rig;
        await rig.AddAsync(Stuck);

        await using var run = await rig.Engine.StartWorkflowAsync(One, new() { RunId = id });

        asked.Should().BeTrue();
        (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    [Fact]
    public async Task CancelAsync_AfterARunThatIsTakenOverWasAskedForIt_IsCarriedOutAtOnce()
    {
        await using var processes = new Processes();
        var (dead, _) = await StartAsync(processes, Stuck);
        await dead.Engine.StartWorkflowAsync(One, Run);
        await Rig.UntilAsync(() => dead.Coordinator.RunningTasks == 1, "the task to run");
        processes.LetLeasesRunOut();
        Asked store = null!;
        var heir = await processes.StartAsync(wrap: inner => store = new Asked(inner));
        await heir.AddAsync(Stuck);
        store.AfterAsked = () => Cancel(heir).Should().BeTrue();

        (await heir.Engine.RecoverAsync()).Should().Be(1);

        await using var run = (await heir.Engine.GetRunAsync("run"))!;
        (await run.Completion.WaitAsync(Limit)).Status.Should().Be(WorkflowStatus.Cancelled);
    }

    private static bool Cancel(Rig rig)
    {
        var listed = rig.Engine.ListRunsAsync().AsTask().GetAwaiter().GetResult().Items.Single();
        var handle = rig.Engine.GetRunAsync(listed.WorkflowId).AsTask().GetAwaiter().GetResult()!;
        return handle.CancelAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Lets a test do something right after it was said that nobody asked for a cancel.</summary>
    private sealed class Asked(StateManager inner) : DelegatingStateManager(inner)
    {
        public Action? AfterAsked { get; set; }

        protected override async ValueTask<bool> IsCancellationRequestedCoreAsync(string workflowId, CancellationToken cancellationToken)
        {
            var isAsked = await base.IsCancellationRequestedCoreAsync(workflowId, cancellationToken);
            var then = AfterAsked;
            AfterAsked = null;
            then?.Invoke();
            return isAsked;
        }
    }
}
