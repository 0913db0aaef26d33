using Conductor.Tests.Support;
using Conductor.Workflows;

namespace Conductor.Tests.Workflows;

/// <summary>Programs on one store need not have one <see cref="WorkflowOptions.LeaseDuration"/>: a lease carries the term of its owner.</summary>
public sealed class LeaseTermTests
{
    [Fact]
    public async Task RecoverAsync_TermOfTheOwnerIsLonger_ALivingOwnerKeepsItsRun()
    {
        await using var processes = new Processes();
        var (owner, other, begun) = await LeaveAsync(processes, ownersTerm: TimeSpan.FromMinutes(5), othersTerm: TimeSpan.FromSeconds(30));

        (await LookAsync(processes, other, seconds: 99, owner)).Should().Be(0, "it renews every 100 seconds");

        begun().Should().Be(1);
        other.Logs.GetSnapshot().Should().NotContain(static record => record.Id.Id == 1430, "that is no silence");
    }

    [Theory]
    [InlineData(300, 30, 600)]
    [InlineData(30, 300, 600)]
    [InlineData(30, 30, 60)]
    public async Task RecoverAsync_StoresClockStandsStill_ASilentOwnerIsTakenForDeadAfterTwoOfTheLongerTerm(int ownersTerm, int othersTerm, int silence)
    {
        await using var processes = new Processes();
        var (_, other, _) = await LeaveAsync(processes, TimeSpan.FromSeconds(ownersTerm), TimeSpan.FromSeconds(othersTerm));
        (await other.Engine.RecoverAsync()).Should().Be(0);

        other.Time.Advance(TimeSpan.FromSeconds(silence - 1));
        (await other.Engine.RecoverAsync()).Should().Be(0);
        other.Time.Advance(TimeSpan.FromSeconds(1));

        (await other.Engine.RecoverAsync()).Should().Be(1);
    }

    private static async Task<(Rig Owner, Rig Other, Func<int> Begun)> LeaveAsync(Processes processes, TimeSpan ownersTerm, TimeSpan othersTerm)
    {
        var begun = 0;
        var owner = await processes.StartAsync(new WorkflowOptions { LeaseDuration = ownersTerm });
        await owner.AddAsync((task, token) =>
        {
            Interlocked.Increment(ref begun);
            return StoreTrouble.Stuck(task, token);
        });
        await owner.Engine.StartWorkflowAsync(StoreTrouble.One, StoreTrouble.Run);
        await Rig.UntilAsync(() => Volatile.Read(ref begun) == 1, "the task to run");
        var other = await processes.StartAsync(new WorkflowOptions { LeaseDuration = othersTerm });
        await other.AddAsync(_ =>
        {
            Interlocked.Increment(ref begun);
            return "other";
        });
        return (owner, other, () => Volatile.Read(ref begun));
    }

    private static async Task<int> LookAsync(Processes processes, Rig other, int seconds, Rig owner)
    {
        var taken = 0;
        for (var second = 0; second < seconds; second++)
        {
            foreach (var clock in new[] { owner.Time, other.Time, processes.StoreClock })
            {
                clock.Advance(TimeSpan.FromSeconds(1));
            }

            await Rig.SettleAsync();
            taken += await other.Engine.RecoverAsync();
        }

        return taken;
    }
}
