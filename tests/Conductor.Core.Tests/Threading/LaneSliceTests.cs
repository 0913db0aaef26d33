using Conductor.Threading;

namespace Conductor.Tests.Threading;

public sealed class LaneSliceTests
{
    /// <summary>
    /// Whether more waits than the thread does in a slice. (That others come for it is the thread pool's business: it may take them a millisecond.)
    /// </summary>
    [Theory]
    [InlineData(60, 3, 50, 20, true)]
    [InlineData(2, 3, 60, 20, false)]
    [InlineData(11, 30, 50, 2, false)]
    [InlineData(40, 30, 50, 2, true)]
    [InlineData(11, 7, 52, 40, false)]
    [InlineData(1, 1, 50, 50, true)]
    [InlineData(0, 1, 50, 50, false)]
    public void TakesASlice_GoesByWhatWasDone_ButForTheLongest(int waiting, int done, int time, int longest, bool expected) =>
        Lane.TakesASlice(waiting, done, TimeSpan.FromMicroseconds(time), TimeSpan.FromMicroseconds(longest)).Should().Be(expected);
}
