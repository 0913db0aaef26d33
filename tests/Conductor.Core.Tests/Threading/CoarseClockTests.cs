using Conductor.Threading;
using Microsoft.Extensions.Time.Testing;

namespace Conductor.Tests.Threading;

public sealed class CoarseClockTests
{
    [Fact]
    public void Now_OfTheSystem_IsItsCountOfMilliseconds()
    {
        var before = Environment.TickCount64;
        var now = new CoarseClock(TimeProvider.System).Now;
        var after = Environment.TickCount64;

        now.Should().BeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(before)).And.BeLessThanOrEqualTo(TimeSpan.FromMilliseconds(after));
    }

    [Fact]
    public void Now_OfAnotherClock_GoesAsThatOne()
    {
        var time = new FakeTimeProvider();
        var clock = new CoarseClock(time);
        var before = clock.Now;

        time.Advance(TimeSpan.FromDays(3));

        (clock.Now - before).Should().BeCloseTo(TimeSpan.FromDays(3), TimeSpan.FromMilliseconds(1));
    }
}
