using Conductor.Threading;

namespace Conductor.Tests.Threading;

/// <summary>One at a time has a lock that spins.</summary>
public sealed class BriefLockTests
{
    [Fact]
    public async Task Enter_FromSeveralThreads_OneAtATime()
    {
        const int Times = 50_000;
        var (gate, count) = (new Guarded(), 0);

        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Times; i++)
            {
                using (gate.Lock.Enter())
                {
                    count++;
                }
            }
        })));

        count.Should().Be(3 * Times);
    }

    /// <summary>What is left is free, also where an exception left it.</summary>
    [Fact]
    public async Task Enter_LeftByAnException_IsFree()
    {
        var gate = new Guarded();
        var failing = () =>
        {
            using (gate.Lock.Enter())
            {
                throw new InvalidOperationException("within");
            }
        };

        failing.Should().Throw<InvalidOperationException>().WithMessage("within");

        var next = Task.Run(() =>
        {
            using (gate.Lock.Enter())
            {
                return true;
            }
        });
        (await next.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue();
    }

    private sealed class Guarded
    {
        public BriefLock Lock = new();
    }
}
