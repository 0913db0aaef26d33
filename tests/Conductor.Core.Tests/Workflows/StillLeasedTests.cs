using Conductor.Tests.Support;
using Conductor.Workflows;
using static Conductor.Tests.Support.DeadOwners;

namespace Conductor.Tests.Workflows;

/// <summary>Who starts again after a crash is told why nothing happens yet; who shares a store with the living is not told of each of their runs.</summary>
public sealed class StillLeasedTests
{
    private const int StillLeased = 1430;

    [Fact]
    public async Task RecoverAsync_LeaseOfADeadOwner_IsToldOfOnce()
    {
        await using var processes = new Processes();
        var dead = await processes.StartAsync();
        await dead.AddAsync(StuckOn("second"), id: "dead");
        await dead.Engine.StartWorkflowAsync(Chain(), Run);
        await FinishedAsync(processes, "first");
        var heir = await processes.StartAsync();
        await heir.AddAsync(static task => $"{task.Task.Id} done");

        for (var look = 0; look < 3; look++)
        {
            (await heir.Engine.RecoverAsync()).Should().Be(0);
            heir.Time.Advance(0.6 * WorkflowOptions.DefaultLeaseDuration);
        }

        Told(heir).Should().Equal($"Run run is still leased to {dead.Coordinator.Id}; it is taken over when that runs out.");
        dead.Logs.GetSnapshot().Should().NotContain(static entry => entry.Id.Id == StillLeased);
        processes.LetLeasesRunOut();
        (await heir.Engine.RecoverAsync()).Should().Be(1);
        (await CompleteAsync(heir)).Status.Should().Be(WorkflowStatus.Completed);
    }

    [Fact]
    public async Task RecoverAsync_OwnerThatRenews_IsToldOfWhenItFallsSilent()
    {
        await using var processes = new Processes();
        var (owner, other) = (await processes.StartAsync(), await processes.StartAsync());
        await other.Engine.RecoverAsync();
        await owner.AddAsync(StuckOn("second"), id: "owner");
        await owner.Engine.StartWorkflowAsync(Chain(), Run);
        await FinishedAsync(processes, "first");
        for (var renewal = 1; renewal <= 4; renewal++)
        {
            owner.Time.Advance(WorkflowOptions.DefaultLeaseDuration / 3);
            await Rig.UntilAsync(() => RenewalOf(processes) >= renewal, "the lease to be renewed");
            await LookLaterAsync();
        }

        Told(other).Should().BeEmpty("the owner renewed its lease each time");

        await LookLaterAsync();
        await LookLaterAsync();

        Told(other).Should().ContainSingle().Which.Should().Contain(owner.Coordinator.Id);

        async Task LookLaterAsync()
        {
            other.Time.Advance(WorkflowOptions.DefaultLeaseDuration / 3);
            await other.Engine.RecoverAsync();
        }
    }

    private static IEnumerable<string> Told(Rig rig) =>
        rig.Logs.GetSnapshot().Where(static entry => entry.Id.Id == StillLeased).Select(static entry => entry.Message);

    private static long RenewalOf(Processes processes)
    {
        var read = processes.Store.ListUnfinishedWorkflowsAsync();
        return read.IsCompletedSuccessfully ? read.Result.Items.Single().Lease!.Renewal : 0;
    }
}
